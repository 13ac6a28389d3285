"""Faces drawn while training: never the same twice, and never on disk."""

from pathlib import Path

import numpy as np
from torch.utils.data import Dataset

from datamodules.dataset import SampleMaker
from datamodules.geometry.crop import crop_boxes
from datamodules.synthetic.population import VIEWS, Population
from datamodules.types import FaceRecord, FaceSample

_FIRST_PERSON = 1_000_000  # nobody who is on disk


class StreamedFaces(Dataset[FaceSample]):
    """A population, as samples.

    Args:
        population: Whose faces.
        length: Faces an epoch; the next epoch goes on with new ones.
        maker: Makes the samples; its seed and the population's decide them, so that a stream can be repeated.
    """

    def __init__(self, population: Population, length: int, maker: SampleMaker) -> None:
        self._population = population
        self._length = length
        self._maker = maker

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, place: tuple[int, int]) -> FaceSample:
        """The sample at (epoch, position)."""
        epoch, position = place
        person, view = divmod(epoch * self._length + position, VIEWS)
        person += _FIRST_PERSON
        face, pixels = self._population.photograph(person, view)
        landmarks = face.landmarks_68_px().astype(np.float32)
        key = f"person{person}_{view}"
        size = (face.image_size, face.image_size)
        record = FaceRecord(key, Path(f"{key}.jpg"), size, face.coefficients, face.head_pose, landmarks)
        return self._maker.make(record, pixels, crop_boxes(landmarks[None])[0], position, epoch)
