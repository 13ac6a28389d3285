"""Faces of a data set as samples for a data loader."""

from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset

from datamodules.files.images import read_image
from datamodules.geometry.crop import crop_matrix
from datamodules.sample_maker import Placement, SampleMaker
from datamodules.types import FaceSample

Record = TypeVar("Record", covariant=True)


class SampleIndex(Protocol[Record]):
    """What the index of any data set answers."""

    @property
    def photographs(self) -> NDArray[np.str_]:
        """(N,) names of the photographs that samples show."""
        ...

    def key(self, row: int) -> str:
        """What identifies a sample."""
        ...

    def record(self, row: int) -> Record:
        """One sample."""
        ...


class FaceDataset(Dataset[FaceSample]):
    """Faces of an index, as samples.

    Args:
        index: The data set.
        rows: (M,) those of its rows that belong here.
        boxes: (N, 3) plain crops of all its rows.
        placement: Places a face in its image.
        maker: Makes the samples.
        repeats: How often each face comes in an epoch, with other augmentations each time.
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
        placed = self._placement(record, read_image(record.image_path), self._boxes[row], rng)
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
        """(3,) x and y of the centre, side of the plain crop."""
        return np.asarray(self._boxes[self.rows[position]])

    def crop_matrix(self, position: int) -> NDArray[np.float64]:
        """(2, 3) similarity from image pixels to those of the plain crop."""
        return crop_matrix(self.box(position))
