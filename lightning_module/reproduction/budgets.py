"""What a reproduction trains: the two budgets, and the ratios of region weights."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from datamodules.errors import InputError
from datamodules.geometry.regions import five_regions
from lightning_module.project import PROJECT
from lightning_module.region_weights import RegionWeights

BudgetName = Literal["paper", "smoke"]

R1, R2 = "16:5:4:3:0", "1:1:1:1:0"  # of Shi et al., Table 2


@dataclass(frozen=True)
class Budget:
    """The length of a reproduction.

    Attributes:
        name: Its name.
        config: File of the trainings' options.
        seeds: Trainings of each ratio, by default.
        training_samples: Most samples to train and validate on, evenly spread over the data set; None for all.
        test_samples: Most samples to test on; None for all.
    """

    name: BudgetName
    config: Path
    seeds: int
    training_samples: int | None
    test_samples: int | None


BUDGETS: dict[BudgetName, Budget] = {
    "paper": Budget("paper", PROJECT / "conf" / "paper.yaml", 3, None, None),
    "smoke": Budget("smoke", PROJECT / "conf" / "reproduce_smoke.yaml", 1, 240, 60),
}


def checked_ratios(ratios: Sequence[str]) -> list[RegionWeights]:
    """The two ratios of the paper, then those that are asked for, each once.

    Args:
        ratios: Such as "16:4:4:3:0": a number for each region.

    Raises:
        InputError: If one of them is no ratio of the regions.
    """
    weights: dict[str, RegionWeights] = {}
    for ratio in (R1, R2, *ratios):
        own = _weights(ratio)
        weights.setdefault(own.ratio, own)
    return list(weights.values())


def ratio_title(weights: RegionWeights) -> str:
    """A ratio as papers write it, such as "16:5:4:3:0"."""
    return weights.ratio.replace("-", ":")


def _weights(ratio: str) -> RegionWeights:
    regions = five_regions()
    names = [region.name for region in regions]
    try:
        values = [float(number) for number in ratio.split(":")]
    except ValueError:
        values = []
    if len(values) != len(names) or not any(values) or not all(0 <= value < float("inf") for value in values):
        raise InputError(
            f"--ratios {ratio}: give a number of at least 0 for each of {', '.join(names)}, as in {R1}, and one above 0."
        )
    return RegionWeights.of(regions, dict(zip(names, values, strict=True)))
