"""Data sets of fitted photographs, whose position maps are computed from coefficients of a face model."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from datamodules.augmentation.pose.policy import choose_pose_augmenter
from datamodules.augmentation.pose.pose_augmenter import PoseAugmenter
from datamodules.augmentation.pose.pose_options import PoseAugmentation
from datamodules.crop_table import make_crops
from datamodules.data_checks import report_faults
from datamodules.errors import InputError
from datamodules.face_landmarks import landmarks_image_px
from datamodules.face_model import FaceModel
from datamodules.files.images import warp_image
from datamodules.geometry.crop import crop_boxes
from datamodules.geometry.landmark_model import LandmarkModel
from datamodules.geometry.morphable_model import MorphableModel
from datamodules.geometry.uv_layout import UVLayout
from datamodules.opened_dataset import OpenedDataset
from datamodules.position_map import PositionMapper
from datamodules.readers.face_index import FaceIndex, open_index
from datamodules.readers.index_options import IndexOptions
from datamodules.readers.sample_reader import SampleReader
from datamodules.replaced_landmarks import ReplacedLandmarks
from datamodules.sample_maker import PlacedFace
from datamodules.types import FaceRecord


class FittedPlacement:
    """Places fitted faces in their photographs, or in renderings of them at other poses.

    Args:
        model: The model that coefficients refer to.
        augmenter: Renders some of the faces at other poses, or None.
        count: Number of faces.
    """

    def __init__(self, model: MorphableModel, augmenter: PoseAugmenter | None = None, count: int = 0) -> None:
        self._model = model
        self._landmarks = LandmarkModel(model)
        self._augmenter = augmenter
        self._count = count

    @property
    def pose_augmentation(self) -> str:
        """How many faces are rendered at other poses, in words."""
        if self._augmenter is None:
            return "none"
        return f"{len(self._augmenter.rows)} of {self._count}, {self._augmenter.probability:.0%} of the times"

    def __call__(
        self, record: FaceRecord, pixels: NDArray[np.uint8], box: NDArray[np.float64], rng: np.random.Generator
    ) -> PlacedFace:
        """See Placement."""
        view = None if self._augmenter is None else self._augmenter.draw_view(record, rng)
        if view is None or self._augmenter is None:
            draw = partial(warp_image, pixels)
            landmarks = landmarks_image_px(record, self._landmarks)
        else:
            record = view.face
            draw = partial(self._augmenter.render, view, pixels)
            landmarks = landmarks_image_px(record, self._landmarks)
            box = crop_boxes(landmarks[None])[0]
        return PlacedFace(
            record.key,
            self._model.leading_coefficients(record.identity, record.expression),
            record.pose.projection(record.image_size[1]),
            landmarks,
            float(np.rad2deg(record.pose.yaw_rad)),
            box,
            draw,
        )


@dataclass(frozen=True, eq=False)
class FittedFaces:
    """Opens data sets of fitted photographs, and makes their position maps.

    Attributes:
        reader: Reads the data sets.
        model: The face model that their coefficients refer to.
        options: Options of the index.
        processes: Number of processes that read files.
    """

    reader: SampleReader
    model: FaceModel
    options: IndexOptions
    processes: int = 1

    def check(self) -> None:
        """Raises InputError if the file of the face model does not exist."""
        if not self.model.path.is_file():
            raise InputError(
                f"{self.model.path}: there is no such file. Set --data.face_model.path to the path of BFM.mat."
            )

    @property
    def layout(self) -> UVLayout:
        """The layout of the model's UV space."""
        return self.model.layout

    @property
    def fingerprint(self) -> str:
        """16 hexadecimal digits of the face model."""
        return self.model.morphable.fingerprint

    def index(self, root: Path, landmarks: ReplacedLandmarks | None = None) -> FaceIndex:
        """The index of a data set, with its landmarks replaced if others are given."""
        index = open_index(root, self.reader, self.options, self.processes)
        return index if landmarks is None else landmarks.put_into(index)

    def opened(self, index: FaceIndex) -> OpenedDataset:
        """The usable faces of an index; logs the others."""
        model = self.model.morphable
        for kind, samples, basis in (
            ("identity", index.identity, model.identity_basis),
            ("expression", index.expression, model.expression_basis),
        ):
            if samples.shape[1] < basis.shape[2]:
                raise InputError(
                    f"{index.root}: its samples have {samples.shape[1]} {kind} coefficients, but {self.model.path} has "
                    f"{basis.shape[2]} components. Set --data.face_model.path to the model that was fitted to them."
                )
        crops = make_crops(index, model)
        report_faults(index.root, index.faults + crops.faults, len(crops.rows), self.options.max_bad_fraction)
        return OpenedDataset(index, crops.rows, crops.boxes, FittedPlacement(model))

    def pose_augmenter(
        self, index: FaceIndex, rows: NDArray[np.intp], options: PoseAugmentation
    ) -> PoseAugmenter | None:
        """The augmenter of (M,) rows, or None if all faces are shown at their own pose."""
        return choose_pose_augmenter(index, rows, self.model.morphable, options)

    def training_placement(
        self, index: FaceIndex, rows: NDArray[np.intp], options: PoseAugmentation
    ) -> FittedPlacement:
        """The placement of the faces of (M,) rows, with pose augmentation."""
        return FittedPlacement(self.model.morphable, self.pose_augmenter(index, rows, options), len(rows))

    def mapper(self, size: int) -> PositionMapper:
        """The mapper to position maps of `size` texels per side."""
        return self.model.mapper(size)
