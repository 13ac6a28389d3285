"""How much each area of the face counts in the loss."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datamodules.errors import InputError
from datamodules.geometry.landmarks import Region
from datamodules.geometry.uv_layout import draw_landmarks


@dataclass(frozen=True)
class RegionWeights:
    """Weights of the five areas (Shi et al., Table 2, r1 by default). Only their ratios matter.

    Args:
        landmarks: Of the 81 landmarks.
        eyes_nose: Of the eyes with the brows, and the nose.
        mouth: Of the mouth.
        face: Of the forehead and the rest of the face.
        neck: Of the neck and what lies outside the face.
        landmark_radius_texels: Size of the discs that the landmarks are drawn as; 0 for single texels, as published.

    Raises:
        InputError: If a weight is negative or not finite, or all are zero.
    """

    landmarks: float = 16.0
    eyes_nose: float = 5.0
    mouth: float = 4.0
    face: float = 3.0
    neck: float = 0.0
    landmark_radius_texels: float = 0.0

    def __post_init__(self) -> None:
        values = (*self.by_region().values(), self.landmark_radius_texels)
        if not all(np.isfinite(value) and value >= 0 for value in values) or not any(self.by_region().values()):
            raise InputError(f"region weights are {self.ratio}: give finite numbers of at least 0, not all of them 0.")

    @property
    def ratio(self) -> str:
        """As in "16-5-4-3-0", with "r2" behind it for landmarks of radius 2."""
        numbers = "-".join(f"{weight:.4g}" for weight in self.by_region().values())
        return numbers + (f" r{self.landmark_radius_texels:g}" if self.landmark_radius_texels else "")

    def by_region(self) -> dict[Region, float]:
        """Weight of each area."""
        return {
            Region.LANDMARKS: self.landmarks,
            Region.EYES_NOSE: self.eyes_nose,
            Region.MOUTH: self.mouth,
            Region.FACE: self.face,
            Region.NECK: self.neck,
        }

    def weight_map(self, regions: NDArray[np.uint8], landmark_texels: NDArray[np.int64]) -> NDArray[np.float32]:
        """(S, S) float32 weights with mean 1 over the texels that count.

        Args:
            regions: (S, S) labels of the areas.
            landmark_texels: (81, 2) row, col.
        """
        labels = draw_landmarks(regions, landmark_texels, self.landmark_radius_texels, Region.LANDMARKS)
        table = np.zeros(len(Region) + 1)
        for region, weight in self.by_region().items():
            table[region] = weight
        weights = table[labels]
        scaled: NDArray[np.float32] = (weights / weights[weights > 0].mean()).astype(np.float32)
        return scaled
