"""Faces of a data set as samples for a data loader."""

from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset

from datamodules.sample_maker import Placement, SampleMaker
from datamodules.types import FaceSample

Record = TypeVar("Record", covariant=True)


class SampleIndex(Protocol[Record]):
    """The interface of a data set's index."""

    @property
    def photographs(self) -> NDArray[np.str_]:
        """(N,) names of the photographs that samples show."""
        ...

    def key(self, row: int) -> str:
        """The key of a sample."""
        ...

    def record(self, row: int) -> Record:
        """One sample."""
        ...

    def image(self, row: int) -> NDArray[np.uint8]:
        """(H, W, 3) RGB image of a sample."""
        ...


class FaceDataset(Dataset[FaceSample]):
    """The samples of some rows of an index.

    Args:
        index: The data set.
        rows: (M,) rows of the index to use.
        boxes: (N, 3) plain crops of all rows of the index.
        placement: Places a face in its image.
        maker: Makes the samples.
        repeats: Number of times that each face is used per epoch, each time with other augmentations.
    """

    def __init__(
        self,
        index: SampleIndex[Any],
        rows: NDArray[np.intp],
        boxes: NDArray[np.float64],
        placement: Placement[Any],
        maker: SampleMaker,
        repeats: int = 1,
    ) -> None:
        self.index = index
        self.rows = rows
        self._boxes = boxes
        self._placement = placement
        self._maker = maker
        self._repeats = repeats

    def __len__(self) -> int:
        return len(self.rows) * self._repeats

    def __getitem__(self, place: tuple[int, int]) -> FaceSample:
        """The sample at (epoch, position): the epoch comes with the position, since workers outlive epochs."""
        epoch, position = place
        repeat, face = divmod(position, len(self.rows))
        row = int(self.rows[face])
        record = self.index.record(row)
        rng = self._maker.generator(epoch * self._repeats + repeat, record.key)
        placed = self._placement(record, self.index.image(row), self._boxes[row], rng)
        return self._maker.make(placed, position, rng)

    @property
    def keys(self) -> list[str]:
        """Keys of the faces, each once."""
        return [self.index.key(int(row)) for row in self.rows]

    @property
    def photographs(self) -> set[str]:
        """Names of the photographs that the faces show."""
        return {str(self.index.photographs[row]) for row in self.rows}

    def box(self, position: int) -> NDArray[np.float64]:
        """(3,) x and y of the centre, side of the network's crop, without augmentation."""
        return self._maker.crop.of_plain(self._boxes[self.rows[position]])
