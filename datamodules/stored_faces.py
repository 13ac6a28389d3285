"""Data sets of stored position maps, which are moved into the augmented crops."""

from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from datamodules.augmentation.pose.pose_options import PoseAugmentation
from datamodules.data_checks import report_faults
from datamodules.errors import InputError
from datamodules.face_model import FaceModel
from datamodules.files.images import warp_image
from datamodules.files.position_map_files import LAYOUT_FILE, read_uv_layout
from datamodules.geometry.crop import CROP_MARGIN, CROP_SIZE
from datamodules.geometry.regions import RegionTable, warn_of_empty_regions
from datamodules.geometry.uv_layout import UVLayout
from datamodules.opened_dataset import OpenedDataset
from datamodules.position_map import StoredMapper
from datamodules.readers.index_options import IndexOptions
from datamodules.readers.map_index import MapIndex, open_map_index
from datamodules.readers.sample_reader import MapReader
from datamodules.replaced_landmarks import ReplacedLandmarks
from datamodules.sample_maker import PlacedFace
from datamodules.types import MapRecord


class StoredPlacement:
    """Places stored maps in their crops, whose images may have another resolution."""

    pose_augmentation = "none"

    def __call__(
        self, record: MapRecord, pixels: NDArray[np.uint8], box: NDArray[np.float64], rng: np.random.Generator
    ) -> PlacedFace:
        """See Placement."""
        return PlacedFace(
            record.key,
            record.points_crop_px,
            np.eye(3, 4) * ((pixels.shape[1] - 1) / (CROP_SIZE - 1)),
            record.landmarks_image_px,
            record.yaw_deg,
            box,
            partial(warp_image, pixels),
        )


@dataclass(frozen=True, eq=False)
class StoredFaces:
    """Opens data sets of stored position maps, and moves their maps into crops.

    Attributes:
        reader: Reads the data sets.
        model: The face model that the maps were made with; None if a label file replaces it.
        label_file: `uv_layout.npz` of the maps.
        regions: The regions of the face.
        options: Options of the index.
        processes: Number of processes that read files.
    """

    reader: MapReader
    model: FaceModel | None
    label_file: Path
    regions: RegionTable
    options: IndexOptions
    processes: int = 1

    def check(self) -> None:
        """Raises InputError if neither a face model nor a label file describes the texels of the maps."""
        path = self.label_file if self.model is None else self.model.path
        if not path.is_file():
            raise InputError(
                f"{path}: there is no such file. Set --data.face_model.path to the model that the maps were made with, or "
                f"put {LAYOUT_FILE} into their folder, as `run.py prepare` does."
            )

    @cached_property
    def layout(self) -> UVLayout:
        """The layout of the maps."""
        if self.model is not None:
            return self.model.layout
        layout = read_uv_layout(self.label_file).in_crop(CROP_MARGIN)
        if unnamed := set(np.unique(layout.regions).tolist()) - {region.label for region in self.regions}:
            raise InputError(
                f"{self.label_file}: has texels of region {min(unnamed)}, which the table of --data.regions lacks. Give "
                "the table that the file was written with, or set --data.face_model.path."
            )
        warn_of_empty_regions(self.regions, layout.regions)
        return layout

    @property
    def fingerprint(self) -> str:
        """16 hexadecimal digits of the face model, or of the layout that replaces it."""
        return self.layout.fingerprint() if self.model is None else self.model.morphable.fingerprint

    def index(self, root: Path, landmarks: ReplacedLandmarks | None = None) -> MapIndex:
        """The index of a data set, with its landmarks replaced if others are given."""
        index = open_map_index(root, self.reader, self.layout, self.options, self.processes)
        return index if landmarks is None else landmarks.put_into(index)

    def opened(self, index: MapIndex) -> OpenedDataset:
        """The faces of an index; logs those that cannot be used."""
        report_faults(index.root, index.faults, len(index), self.options.max_bad_fraction)
        last = index.image_sizes[:, :1] - 1.0
        plain = last * (CROP_MARGIN / _margin(index.root))  # the whole image is the crop that the maps were made for
        boxes = np.concatenate([last / 2, last / 2, plain], axis=1)
        return OpenedDataset(index, np.arange(len(index)), boxes, StoredPlacement())

    def training_placement(self, index: MapIndex, rows: NDArray[np.intp], options: PoseAugmentation) -> StoredPlacement:
        """The placement of all faces at their own pose; raises InputError if pose augmentation is asked for."""
        if options.probability:
            raise InputError(
                f"{index.root}: holds stored position maps, which cannot be rendered at other poses. Leave out "
                "--data.pose_augmentation.probability, or give photographs with a face model's coefficients."
            )
        return StoredPlacement()

    def mapper(self, size: int) -> StoredMapper:
        """The mapper to position maps of `size` texels per side."""
        return StoredMapper(size)


def _margin(root: Path) -> float:
    """Margin of the crops of a folder of maps, which its label file names."""
    labels = root / LAYOUT_FILE
    return read_uv_layout(labels).crop_margin if labels.is_file() else CROP_MARGIN
