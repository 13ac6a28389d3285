"""What a search varies, as columns of a regression: the logarithms of weights, and the radius of the landmarks."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lightning_module.evaluation.paired_seeds import Array
from lightning_module.region_weights import RegionWeights
from sweeps.search_space import RADIUS
from sweeps.settings import SweepSettings

_VALUES_PER_POWER = 3  # a line through two values has no residuals, and its interval says nothing


@dataclass(frozen=True, eq=False)
class Factor:
    """A searched weight, or the radius of the landmarks.

    Attributes:
        name: Name of the region, or of the option of the radius.
        title: Title of the region or the radius.
        values: (T,) its values in the trials.
        reference: Its value in the ratio of reference.
        low: Lowest value that is searched, other than 0.
        high: Highest value.
        levels: The values, if they are few and have no scale, as radii; empty for weights.
        has_switch: Whether some trials set it to 0 and others do not.
    """

    name: str
    title: str
    values: Array
    reference: float
    low: float
    high: float
    levels: tuple[float, ...] = ()
    has_switch: bool = False

    @property
    def tried(self) -> tuple[float, float]:
        """Lowest and highest value of the trials, other than 0, between which effects are not extrapolated."""
        values = self.values[self.values > 0]
        return float(values.min()), float(values.max())

    @property
    def middle(self) -> float:
        """The weight whose logarithm the regression counts from: that of the reference, or the middle of the range."""
        return float(self.reference or np.sqrt(self.low * self.high))

    def highest_power(self, degree: int) -> int:
        """Highest power of the logarithm that the trials tell; 0 if hardly any of them has this weight.

        Args:
            degree: Highest power of the regression.
        """
        told = len(set(self.values[self.values > 0])) // _VALUES_PER_POWER
        return min(degree, told if self.has_switch else max(told, 1))

    def columns(self, values: Array, degree: int) -> Array:
        """The columns of the regression, all 0 at the reference.

        Args:
            values: (V,) weights or radii.
            degree: Highest power of the logarithm of a weight.

        Returns:
            (V, C): one for each level but that of the reference; or whether it is not 0, if that varies, and the powers
            of the logarithm to base 10 of its ratio to the reference, or, if that is 0, to the middle of the range.
        """
        if self.levels:
            others = [level for level in self.levels if level != self.reference]
            return np.stack([(values == level).astype(float) for level in others], axis=-1)
        is_on = values > 0
        logarithm = np.log10(np.where(is_on, values, self.middle) / self.middle)
        switch = [is_on.astype(float) - (self.reference > 0)] if self.has_switch else []
        powers = range(1, self.highest_power(degree) + 1)
        return np.stack([*switch, *(logarithm**power for power in powers)], axis=-1)


def searched_factors(settings: SweepSettings, trials: Sequence[RegionWeights]) -> tuple[Factor, ...]:
    """The factors that differ between trials.

    Args:
        settings: The sweep.
        trials: The weights of its trials.
    """
    ranges = settings.space.ranges_of(settings.regions)
    factors = []
    for region in settings.regions:
        values = np.array([weights.by_name[region.name] for weights in trials])
        if region.name in ranges and len(set(values[values > 0])) > 1:
            reference = settings.reference.by_name[region.name]
            has_switch = bool((values == 0).any())
            factors.append(
                Factor(region.name, region.title, values, reference, *ranges[region.name], has_switch=has_switch)
            )
    radii = np.array([weights.landmark_radius_texels for weights in trials])
    levels = tuple(np.unique(radii).tolist())
    if len(levels) > 1:
        reference = settings.reference.landmark_radius_texels
        own = reference if reference in levels else levels[0]
        factors.append(Factor(RADIUS, "radius of the landmarks", radii, own, levels[0], levels[-1], levels))
    return tuple(factors)
