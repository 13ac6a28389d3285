"""A data set that has been opened: what its files say, where its faces lie, and which of them can be used."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datamodules.crop_table import CropTable, make_crops
from datamodules.data_checks import report_faults
from datamodules.dataset import FaceDataset, SampleMaker
from datamodules.files.face_folders import is_validation
from datamodules.files.face_index import FaceIndex
from datamodules.geometry.morphable_model import MorphableModel


@dataclass(frozen=True, eq=False)
class FaceSource:
    """Usable faces of a folder under a face model.

    Attributes:
        index: All that its .mat files say.
        crops: Where its faces lie.
    """

    index: FaceIndex
    crops: CropTable

    @classmethod
    def of(cls, index: FaceIndex, model: MorphableModel, max_bad_fraction: float) -> "FaceSource":
        """An index's; names what cannot be used, and stops where it is more than that share."""
        crops = make_crops(index, model)
        report_faults(index.root, index.faults + crops.faults, len(crops.rows), max_bad_fraction)
        return cls(index, crops)

    @property
    def rows(self) -> NDArray[np.intp]:
        """(M,) rows of the index that can be used."""
        return self.crops.rows

    def validates(self, fraction: float) -> NDArray[np.bool_]:
        """(M,) which of them belong to the share that validates."""
        index = self.index
        return np.array([is_validation(index.key(row), index.layout, fraction) for row in self.rows], dtype=bool)

    def faces(self, maker: SampleMaker, chosen: NDArray[np.bool_] | None = None, repeats: int = 1) -> FaceDataset:
        """All of them as samples, or those that are chosen; see FaceDataset."""
        rows = self.rows if chosen is None else self.rows[chosen]
        return FaceDataset(self.index, rows, self.crops, maker, repeats)
