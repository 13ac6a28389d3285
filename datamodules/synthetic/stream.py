"""Synthetic faces that are drawn while training: new ones in each epoch, none of them on disk."""

from pathlib import Path

import numpy as np
from torch.utils.data import Dataset

from datamodules.geometry.crop import crop_boxes
from datamodules.sample_maker import Placement, SampleMaker
from datamodules.synthetic.head_poses import VIEWS
from datamodules.synthetic.population import Population
from datamodules.types import FaceRecord, FaceSample

_FIRST_PERSON = 1_000_000  # beyond the persons of data sets on disk


class StreamedFaces(Dataset[FaceSample]):
    """The samples of a population.

    Args:
        population: The faces.
        length: Faces per epoch; every epoch has new ones.
        placement: Places a face in its photograph.
        maker: Makes the samples; its seed and that of the population determine the stream.
    """

    def __init__(
        self, population: Population, length: int, placement: Placement[FaceRecord], maker: SampleMaker
    ) -> None:
        self._population = population
        self._length = length
        self._placement = placement
        self._maker = maker

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, place: tuple[int, int]) -> FaceSample:
        """The sample at (epoch, position)."""
        epoch, position = place
        person, view = divmod(epoch * self._length + position, VIEWS)
        person += _FIRST_PERSON
        face, pixels = self._population.photograph(person, view)
        landmarks = face.landmarks_image_px().astype(np.float32)
        key = f"person{person}_{view}"
        size = (face.image_size, face.image_size)
        record = FaceRecord(key, Path(f"{key}.jpg"), size, face.identity, face.expression, face.head_pose, landmarks)
        rng = self._maker.generator(epoch, key)
        placed = self._placement(record, pixels, crop_boxes(landmarks[None])[0], rng)
        return self._maker.make(placed, position, rng)
