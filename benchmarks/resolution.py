"""The smallest difference between two ratios that a number of hours can show, for several kinds of training.

    python -m benchmarks.resolution [SEEDS]

One ratio and 16:5:4:3:0 are trained from the same seeds: in full with 1, 2, 4 and 8 epochs, and as branches of a training
of 4 or 8 epochs with 16:5:4:3:0, from the middle on; each with and without an exponential moving average of the weights.
The deviation of the paired differences and the cost of a pair give the difference that a two-sided t-test at 5 % finds
four times out of five, with as many pairs as fit into the time on two cores.
"""

import json
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.stats import t as student

from benchmarks.measurements import save
from benchmarks.trainings import PROTOCOLS, REFERENCE, Training, figures_of, train_all
from lightning_module.project import PROJECT

RATIO = "16:100:4:3:0"  # an end of the search space
FIRST_SEED, SEEDS = 1000, 6  # those of benchmarks.branches, whose trainings count here too
HOURS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
TICKS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)  # of the picture, % NME
PICTURE = PROJECT / "docs" / "resolution.png"
_CORES = 2
_RATIOS_A_TRUNK = 24  # that share the cost of a trunk, as in a sweep of 24 trials
_ALPHA, _POWER = 0.05, 0.8
_AVERAGE = {"class_path": "lightning_module.callbacks.averaged_weights.AveragedWeights", "init_args": {"decay": 0.99}}


@dataclass(frozen=True)
class Kind:
    """A kind of training.

    Attributes:
        epochs: Its length.
        is_branch: Whether it branches from the middle of a training with 16:5:4:3:0.
        is_averaged: Whether its weights are averaged.
    """

    epochs: int
    is_branch: bool
    is_averaged: bool

    @property
    def name(self) -> str:
        """In words."""
        kind = f"branches from epoch {self.epochs // 2} of {self.epochs}" if self.is_branch else _length(self.epochs)
        return kind + (", averaged" if self.is_averaged else "")

    def training(self, ratio: str, seed: int) -> Training:
        """The training of a ratio; that of 16:5:4:3:0 is full, since a branch with the trunk's ratio is the trunk."""
        options = (f"--trainer.callbacks=[{json.dumps(_AVERAGE)}]",) if self.is_averaged else ()
        if self.is_branch and ratio != REFERENCE:
            return Training(ratio, seed, "fitted", self.epochs, REFERENCE, self.epochs // 2, options=options)
        return Training(ratio, seed, "fitted", self.epochs, options=options)


KINDS = [
    Kind(epochs, is_branch, is_averaged)
    for is_averaged in (False, True)
    for is_branch in (False, True)
    for epochs in ((4, 8) if is_branch else (1, 2, 4, 8))
]


def measure(seeds: list[int]) -> None:
    """Trains what is missing, and saves table and picture."""
    groups = [
        [kind.training(ratio, seed) for kind in KINDS if kind.epochs == epochs and kind.is_averaged == is_averaged]
        for seed in seeds
        for epochs in (1, 2, 4, 8)
        for is_averaged in (False, True)
        for ratio in (REFERENCE, RATIO)
    ]
    rows = train_all([_merged(groups[place : place + 2]) for place in range(0, len(groups), 2)])
    figures = {kind.name: summary(rows, kind, seeds) for kind in KINDS}
    save("resolution", f"python -m benchmarks.resolution {len(seeds)}", {"ratio": RATIO, "seeds": seeds, **figures})
    _figure(figures).savefig(PICTURE, dpi=110)


def summary(rows: dict[str, dict[str, Any]], kind: Kind, seeds: list[int]) -> dict[str, Any]:
    """Cost, paired differences and what they can show, for one kind of training."""
    own = [kind.training(RATIO, seed) for seed in seeds]
    cost = float(np.mean([rows[training.name]["core seconds"] for training in own]))
    trunk = float(np.mean([rows[kind.training(REFERENCE, seed).name]["core seconds"] for seed in seeds]))
    pair_seconds = cost + (trunk / _RATIOS_A_TRUNK if kind.is_branch else trunk)
    figures: dict[str, Any] = {"core seconds of a pair": round(pair_seconds, 1)}
    for title in PROTOCOLS:
        differences = np.array([_difference(rows, kind, seed, title) for seed in seeds])
        deviation = float(differences.std(ddof=1))
        figures[title] = {
            "NME % of 16:5:4:3:0": round(_mean_of(rows, kind, seeds, title), 3),
            "mean difference": round(float(differences.mean()), 4),
            "deviation": round(deviation, 4),
            "detectable": {str(hours): _detectable(deviation, hours, pair_seconds) for hours in HOURS},
        }
    return figures


def _length(epochs: int) -> str:
    return "1 epoch" if epochs == 1 else f"{epochs} epochs"


def _difference(rows: dict[str, dict[str, Any]], kind: Kind, seed: int, title: str) -> float:
    row = rows[kind.training(RATIO, seed).name]
    same = row["trunk's test"] if kind.is_branch else figures_of(rows, kind.training(REFERENCE, seed))
    return float(row["test"][title] - same[title])


def _mean_of(rows: dict[str, dict[str, Any]], kind: Kind, seeds: list[int], title: str) -> float:
    return float(np.mean([figures_of(rows, kind.training(REFERENCE, seed))[title] for seed in seeds]))


def _detectable(deviation: float, hours: float, pair_seconds: float) -> float | None:
    """Smallest difference in % NME; None if fewer than three pairs fit into the time."""
    pairs = int(3600 * _CORES * hours / pair_seconds)
    if pairs < 3:
        return None
    quantiles: NDArray[np.float64] = student.ppf([1 - _ALPHA / 2, _POWER], pairs - 1)
    return round(float(quantiles.sum()) * deviation / pairs**0.5, 5)


def _merged(groups: list[list[Training]]) -> list[Training]:
    """The trainings of several groups, each once, with the full ones first."""
    unique = dict.fromkeys(training for group in groups for training in group)
    return sorted(unique, key=lambda training: training.trunk is not None)


def _figure(figures: dict[str, dict[str, Any]]) -> Figure:
    """The smallest detectable difference against hours, for the 68 landmarks."""
    figure = Figure((8, 4.6), layout="constrained")
    axes = figure.subplots()
    title = next(iter(PROTOCOLS))
    colours = {(kind.epochs, kind.is_branch): f"C{n}" for n, kind in enumerate(k for k in KINDS if not k.is_averaged)}
    for kind in KINDS:
        points = {float(h): value for h, value in figures[kind.name][title]["detectable"].items() if value is not None}
        style = f"{'s' if kind.is_branch else 'o'}{'--' if kind.is_averaged else '-'}"
        axes.plot(
            list(points), list(points.values()), style, color=colours[kind.epochs, kind.is_branch], label=kind.name
        )
    axes.set(xscale="log", yscale="log", xlabel="hours on two cores", ylabel=f"NME % of the {title}")
    axes.set_xticks(HOURS, [f"{hours:g}" for hours in HOURS])
    axes.set_yticks(TICKS, [f"{tick:g}" for tick in TICKS])
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    figure.suptitle("Smallest difference between two ratios that is found four times out of five", fontsize=11)
    return figure


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else SEEDS
    measure(list(range(FIRST_SEED, FIRST_SEED + count)))
