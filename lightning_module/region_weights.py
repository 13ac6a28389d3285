"""The weights of the regions in the loss."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datamodules.errors import InputError
from datamodules.geometry.regions import RegionTable, is_drawn
from datamodules.geometry.uv_layout import draw_landmarks

_LABELS = 256  # number of uint8 values


@dataclass(frozen=True)
class RegionWeights:
    """Weights of the regions of a table. Only their ratios matter.

    Attributes:
        regions: The table.
        values: A weight for each of its regions, in their order.
        landmark_radius_texels: Radius of the discs that the landmarks are drawn as; 0 for single texels, as published.
    """

    regions: RegionTable
    values: tuple[float, ...]
    landmark_radius_texels: float

    @classmethod
    def of(
        cls, regions: RegionTable, weights: Mapping[str, float], landmark_radius_texels: float = 0.0
    ) -> "RegionWeights":
        """Weights by name; regions that are not named keep the weight of the table.

        Raises:
            InputError: If a name is unknown, a weight is negative or not finite, or all are zero.
        """
        names = [region.name for region in regions]
        if unknown := [name for name in weights if name not in names]:
            raise InputError(
                f"--model.weights.{unknown[0]}: there is no such region. Give one of {', '.join(names)}, or set "
                "--data.regions to the table that has it."
            )
        region_weights = cls(
            regions, tuple(float(weights.get(r.name, r.weight)) for r in regions), float(landmark_radius_texels)
        )
        if not all(np.isfinite(value) and value >= 0 for value in (*region_weights.values, landmark_radius_texels)):
            raise InputError(
                f"region weights (--model.weights) are {region_weights.ratio}: give finite numbers of at least 0, and as "
                "--model.landmark_radius_texels too."
            )
        if not any(region_weights.values):
            raise InputError(f"region weights (--model.weights) are {region_weights.ratio}: give at least one above 0.")
        return region_weights

    @property
    def ratio(self) -> str:
        """The weights as text, such as "16-5-4-3-0", followed by "r2" for landmarks of radius 2."""
        numbers = "-".join(f"{weight:.4g}" for weight in self.values)
        return numbers + (f" r{self.landmark_radius_texels:g}" if self.landmark_radius_texels else "")

    @property
    def by_name(self) -> dict[str, float]:
        """The weight of each region."""
        return {region.name: weight for region, weight in zip(self.regions, self.values, strict=True)}

    @property
    def options(self) -> dict[str, Any]:
        """The options of `model:` for these weights: `weights` and `landmark_radius_texels`."""
        return {"weights": self.by_name, "landmark_radius_texels": self.landmark_radius_texels}

    def weight_map(self, labels: NDArray[np.uint8], landmark_texels: NDArray[np.int64]) -> NDArray[np.float32]:
        """(S, S) float32 weights with mean 1 over the texels with a weight above 0.

        Args:
            labels: (S, S) labels of the regions, without the landmarks.
            landmark_texels: (81, 2) row, col.

        Raises:
            InputError: If no texel has a weight above 0.
        """
        table = np.zeros(_LABELS)
        for region, weight in zip(self.regions, self.values, strict=True):
            table[region.label] = weight
        weights = table[self._with_landmarks(labels, landmark_texels)]
        if not weights.any():
            raise InputError(
                f"region weights (--model.weights) are {self.ratio}, which gives no texel a weight: the "
                "regions with weights above 0 have no texels on this face model."
            )
        scaled: NDArray[np.float32] = (weights / weights[weights > 0].mean()).astype(np.float32)
        return scaled

    def _with_landmarks(self, labels: NDArray[np.uint8], landmark_texels: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Labels with the discs of the landmarks, which cover only regions of lower precedence."""
        place = next((i for i, region in enumerate(self.regions) if not is_drawn(region)), None)
        if place is None:
            return labels
        later = [region.label for region in self.regions[place + 1 :]]
        drawn = draw_landmarks(labels, landmark_texels, self.landmark_radius_texels, self.regions[place].label)
        return np.where(np.isin(labels, later), drawn, labels)
