"""An opened data set: its index, the crops of its faces, and the rows that can be used."""

from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datamodules.dataset import FaceDataset, SampleIndex
from datamodules.sample_maker import Placement, SampleMaker


@dataclass(frozen=True, eq=False)
class OpenedDataset:
    """The usable faces of a folder.

    Attributes:
        index: All its readable samples.
        rows: (M,) rows of the index that can be used.
        boxes: (N, 3) plain crops of all its rows.
        placement: Places a face in its image.
    """

    index: SampleIndex[Any]
    rows: NDArray[np.intp]
    boxes: NDArray[np.float64]
    placement: Placement[Any]

    def validates(self, fraction: float) -> NDArray[np.bool_]:
        """(M,) whether each usable face belongs to the validation fraction."""
        photographs = self.index.photographs
        return np.array([is_validation(str(photographs[row]), fraction) for row in self.rows], dtype=bool)

    def placed(self, placement: Placement[Any]) -> "OpenedDataset":
        """The same faces with another placement."""
        return replace(self, placement=placement)

    def faces(self, maker: SampleMaker, chosen: NDArray[np.bool_] | None = None, repeats: int = 1) -> FaceDataset:
        """All usable faces as samples, or the (M,) chosen ones; see FaceDataset."""
        rows = self.rows if chosen is None else self.rows[chosen]
        return FaceDataset(self.index, rows, self.boxes, self.placement, maker, repeats)


def is_validation(photograph: str, fraction: float) -> bool:
    """Whether a photograph validates. Only its name decides, so adding faces moves no other."""
    digest = blake2b(photograph.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") < fraction * 2**64
