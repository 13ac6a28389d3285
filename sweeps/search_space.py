"""The search space: ratios of region weights."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from datamodules.errors import InputError

if TYPE_CHECKING:  # imported in the functions, to keep the help of the command fast
    import optuna

    from datamodules.geometry.regions import RegionSpec, RegionTable
    from lightning_module.region_weights import RegionWeights

RADIUS = "landmark_radius_texels"

Range = tuple[float, float]


@dataclass(frozen=True)
class SearchSpace:
    """Ranges of the weights, which are searched on a log scale. Regions without a range keep their weight.

    A region outside the face, such as the neck, also has a switch, which can set its weight to 0.

    Args:
        ranges: Lowest and highest weight by region; the others keep the range of their table.
        landmark_radius_texels: Radii of the landmarks' discs to choose from; 0 is a single texel.

    Raises:
        InputError: If a range is not ascending and positive, or there is no radius.
    """

    ranges: dict[str, Range] = field(default_factory=dict)
    landmark_radius_texels: tuple[float, ...] = (0.0, 1.0, 2.0)

    def __post_init__(self) -> None:
        for name, (low, high) in self.ranges.items():
            if not (0 < low < high < np.inf):
                raise InputError(
                    f"--space.ranges.{name} is [{low:g}, {high:g}]: give two numbers above 0, the lower one first."
                )
        if not self.landmark_radius_texels or min(self.landmark_radius_texels) < 0:
            raise InputError(f"--space.{RADIUS}: give at least one number, none below 0.")

    def ranges_of(self, regions: "RegionTable") -> dict[str, Range]:
        """The ranges of all regions that are searched, in the order of their table.

        Raises:
            InputError: If a range is given for a region that the table does not have, or that is not searched.
        """
        table = {region.name: region.search_range for region in regions if region.search_range is not None}
        if unknown := [name for name in self.ranges if name not in table]:
            raise InputError(
                f"--space.ranges.{unknown[0]}: no such region is searched. Give one of {', '.join(table)}."
            )
        return {**table, **self.ranges}

    def suggest(self, trial: "optuna.Trial", regions: "RegionTable") -> "RegionWeights":
        """The weights of a trial, rounded to three digits, so that the ratio in the name of a run is exact."""
        from lightning_module.region_weights import RegionWeights

        ranges = self.ranges_of(regions)
        weights: dict[str, float] = {}
        for region in regions:
            if region.name not in ranges:
                weights[region.name] = region.weight
            elif region.is_face or trial.suggest_categorical(_switch(region), [False, True]):
                weights[region.name] = _rounded(trial.suggest_float(region.name, *ranges[region.name], log=True))
            else:
                weights[region.name] = 0.0
        radius = trial.suggest_categorical(RADIUS, list(self.landmark_radius_texels))
        return RegionWeights.of(regions, weights, radius)

    def parameters(self, weights: "RegionWeights") -> dict[str, Any]:
        """The parameters for which `suggest` returns these weights, up to a common factor.

        Raises:
            InputError: If they are outside the space.
        """
        ranges, by_name = self.ranges_of(weights.regions), weights.by_name
        reference = held_region(weights.regions)
        if not by_name[reference.name]:
            raise InputError(
                f"{weights.ratio}: {reference.title} has weight 0, but every trial keeps it at {reference.weight:g}."
            )
        factor = reference.weight / by_name[reference.name]
        parameters: dict[str, Any] = {}
        for region in weights.regions:
            value = by_name[region.name] * factor
            if region.name not in ranges:
                if not np.isclose(value, region.weight):
                    raise InputError(f"{weights.ratio}: {region.title} must have weight {region.weight:g}.")
                continue
            if not region.is_face:
                parameters[_switch(region)] = bool(value)
            if value or region.is_face:
                low, high = ranges[region.name]
                if not low <= value <= high:
                    raise InputError(
                        f"{weights.ratio}: {region.name} lies outside --space.ranges.{region.name} [{low:g}, {high:g}]."
                    )
                parameters[region.name] = value
        if weights.landmark_radius_texels not in self.landmark_radius_texels:
            raise InputError(f"{weights.ratio}: its radius is not among --space.{RADIUS}.")
        parameters[RADIUS] = weights.landmark_radius_texels
        return parameters

    def holds(self, weights: "RegionWeights") -> bool:
        """Whether the space contains these weights."""
        try:
            self.parameters(weights)
        except InputError:
            return False
        return True

    def signature(self, regions: "RegionTable") -> str:
        """Text that identifies the space over a table; a study belongs to one of them."""
        ranges = self.ranges_of(regions)
        held_region(regions)
        named = {**ranges, RADIUS: self.landmark_radius_texels}
        return " ".join(f"{name}={value}" for name, value in named.items())


def what_differs(stored: str, asked: str) -> str:
    """What two signatures of spaces differ in, and the options that give the stored one, for a message."""
    spaces = [dict(re.findall(r"(\w+)=\(([^)]*)\)", text)) for text in (stored, asked)]
    before, now = ({name: values.rstrip(",") for name, values in space.items()} for space in spaces)
    changed = [name for name in before | now if before.get(name) != now.get(name)]
    shown = [f"{name} [{before.get(name, '')}], now [{now.get(name, '')}]" for name in changed]
    options = [
        f'--space.{name if name == RADIUS else f"ranges.{name}"} "[{before[name]}]"'
        for name in changed
        if name in before
    ]
    return "; ".join([*shown, *([f"the original is {' '.join(options)}"] if options else [])])


def stored_weights(weights: "RegionWeights") -> dict[str, float]:
    """The weights as plain numbers by name, for the attributes of a trial."""
    return {**weights.by_name, RADIUS: weights.landmark_radius_texels}


def weights_from_store(regions: "RegionTable", values: Mapping[str, float]) -> "RegionWeights":
    """The weights from the attributes of a trial, see `stored_weights`."""
    from lightning_module.region_weights import RegionWeights

    by_name = {name: value for name, value in values.items() if name != RADIUS}
    return RegionWeights.of(regions, by_name, values[RADIUS])


def held_region(regions: "RegionTable") -> "RegionSpec":
    """The region with a fixed weight, which the others are relative to, since only ratios matter.

    Raises:
        InputError: If all regions of the table are searched.
    """
    for region in regions:
        if region.search_range is None and region.weight > 0:
            return region
    raise InputError(
        "--space: no region has a fixed weight above 0, so equal ratios would be searched repeatedly. Set "
        "search_range to None in one RegionSpec of --data.regions."
    )


def _switch(region: "RegionSpec") -> str:
    return f"has_{region.name}"


def _rounded(weight: float) -> float:
    return float(f"{weight:.3g}")
