"""The test set of systems that are no networks of this project: its photographs, true landmarks and yaws."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from datamodules.data_checks import report_faults, required
from datamodules.errors import InputError
from datamodules.face_landmarks import landmarks_image_px
from datamodules.face_model import FaceModel, FaceModelOptions
from datamodules.files.dataset_card import DatasetCard, read_card
from datamodules.files.file_content import is_folder
from datamodules.files.listed_names import check_text
from datamodules.fitted_faces import FittedFaces
from datamodules.geometry.landmark_model import LandmarkModel
from datamodules.geometry.regions import five_regions
from datamodules.readers.face_index import FaceIndex, open_index
from datamodules.readers.index_options import IndexOptions
from datamodules.readers.reader_300w import Reader300W
from datamodules.readers.sample_reader import SampleReader
from datamodules.test_set import FaceTestOptions
from datamodules.worker_processes import one_time_processes


@dataclass(frozen=True, eq=False)
class LandmarkTestSet:
    """The faces of a test set.

    Attributes:
        card: Its name and kind.
        index: All its readable samples.
        rows: (N,) rows of the faces in the index.
        landmarks_px: (N, 68, 2 or 3) true landmarks in 0-based pixels of the photographs.
        yaw_deg: (N,) yaw of the heads.
    """

    card: DatasetCard
    index: FaceIndex
    rows: list[int]
    landmarks_px: NDArray[np.float64]
    yaw_deg: NDArray[np.float64]

    @property
    def keys(self) -> list[str]:
        """Path of each photograph below the folder of the test set, without its ending."""
        return [self.index.key(row) for row in self.rows]

    def image(self, number: int) -> NDArray[np.uint8]:
        """(H, W, 3) RGB photograph of a face; raises InputError if it cannot be read."""
        return self.index.image(self.rows[number])


@dataclass(frozen=True)
class LandmarkTestData:
    """The test set of other systems, as for `run.py test`.

    Args:
        test: The test set.
        reader: Reads it: by default 300W-3D, 300W-LP and AFLW2000-3D.
        face_model: The face model, for samples without landmarks of their own.
        index: Options of the index.
    """

    test: FaceTestOptions = field(default_factory=FaceTestOptions)
    reader: SampleReader | None = None
    face_model: FaceModelOptions = field(default_factory=FaceModelOptions)
    index: IndexOptions = field(default_factory=IndexOptions)

    def opened(self) -> LandmarkTestSet:
        """The usable faces of the test set; logs the others.

        Raises:
            InputError: If an option is not set or names nothing, or no face can be used.
        """
        root = required(self.test.root, "--data.test.root", "the folder of AFLW2000-3D")
        if not is_folder(root):
            raise InputError(f"{root}: there is no such folder. Set --data.test.root to the folder of AFLW2000-3D.")
        if self.test.holdout:
            raise InputError("--data.test.holdout is for networks that were trained on the other faces. Leave it out.")
        check_text(root)
        index = open_index(root, self._reader, self.index, one_time_processes(None))
        if (replaced := self.test.replaced_landmarks) is not None:
            index = replaced.put_into(index)
        rows = self._usable(index)
        landmarks, yaws = zip(*(self._true(index, row) for row in rows), strict=True)
        points = np.stack(landmarks).astype(np.float64)
        if np.isnan(points[..., 2]).any():  # landmarks that replace those of the data set may have no z
            points = points[..., :2]
        return LandmarkTestSet(self.test.card(root), index, rows, points, np.array(yaws))

    def landmark_vertices(self) -> NDArray[np.int64]:
        """(68,) numbers of the landmarks among the vertices of the face model."""
        return np.asarray(self._model.morphable.landmark_vertices, np.int64)

    @property
    def has_model(self) -> bool:
        """Whether an option or the card of the test set names a face model."""
        root = self.test.root
        return self.face_model.path is not None or bool(root and root.is_dir() and read_card(root).morphable_model)

    @property
    def _reader(self) -> SampleReader:
        return self.reader or Reader300W()

    @cached_property
    def _model(self) -> FaceModel:
        return FaceModel(self.face_model.file(self.test.root), self.face_model.uv_coordinates, five_regions())

    @cached_property
    def _landmark_model(self) -> LandmarkModel:
        return LandmarkModel(self._model.morphable)

    def _usable(self, index: FaceIndex) -> list[int]:
        """The rows of the index that a test of a network uses as well, as far as no face model is needed to tell."""
        if self.has_model:
            faces = FittedFaces(self._reader, self._model, self.index)
            faces.check()
            return [int(row) for row in faces.opened(index).rows]
        report_faults(index.root, index.faults, len(index), self.index.max_bad_fraction)
        return list(range(len(index)))

    def _true(self, index: FaceIndex, row: int) -> tuple[NDArray[np.floating], float]:
        record = index.record(row)
        points = record.landmarks_image_px
        if points is None:
            points = landmarks_image_px(record, self._landmark_model)
        return points, float(np.rad2deg(record.pose.yaw_rad))
