"""Whether branched trainings order ratios as full ones do, what they cost, and how much they vary.

    python -m benchmarks.branches [SEEDS]

Six ratios at the ends of the search space, and 16:5:4:3:0, are trained in full from each seed on fitted labels; they also
continue, at 25, 50 and 75 % of its length, a training with 16:5:4:3:0 and one with 1:1:1:1:0, the trunks; and at 50 % one
of half the length with 16:5:4:3:0.
"""

import sys
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from benchmarks.measurements import save
from benchmarks.trainings import EQUAL, PROTOCOLS, REFERENCE, Training, figures_of, train_all

RATIOS = ("1:5:4:3:0", "3000:5:4:3:0", "16:0.3:4:3:0", "16:100:4:3:0", "16:5:0.3:3:0", "16:5:100:3:0")
TRUNKS = (REFERENCE, EQUAL)
EPOCHS = 8
BRANCH_EPOCHS = (2, 4, 6)  # 25, 50 and 75 %
SHORT_EPOCHS = EPOCHS // 2
FIRST_SEED, SEEDS = 1000, 8
_RESAMPLES = 2000

Array = NDArray[np.float64]


def full(ratio: str, seed: int) -> Training:
    """The full training of a ratio."""
    return Training(ratio, seed, "fitted", EPOCHS)


def branch(ratio: str, seed: int, trunk: str, epoch: int, epochs: int = EPOCHS) -> Training:
    """The training that continues a trunk."""
    return Training(ratio, seed, "fitted", epochs, trunk, epoch)


def groups(seeds: list[int]) -> list[list[Training]]:
    """The trainings of each seed: first those of the usual trunk, then those of the other one."""
    order: list[list[Training]] = []
    for seed, trunk in product(seeds, TRUNKS):
        branched = (REFERENCE, *RATIOS)
        own = [full(trunk, seed)]
        own += [branch(ratio, seed, trunk, e) for e in (4, 6, 2) for ratio in branched if ratio != trunk]
        own += [full(ratio, seed) for ratio in RATIOS] if trunk == REFERENCE else []
        order.append(own)
    short = SHORT_EPOCHS // 2, SHORT_EPOCHS
    trunks = [Training(REFERENCE, seed, "fitted", SHORT_EPOCHS) for seed in seeds]
    return order + [[trunk, *(branch(ratio, trunk.seed, REFERENCE, *short) for ratio in RATIOS)] for trunk in trunks]


def measure(seeds: list[int]) -> None:
    """Trains what is missing, and saves the comparison."""
    rows = train_all(groups(seeds))
    save("branches", f"python -m benchmarks.branches {len(seeds)}", summary(rows, seeds))


def summary(rows: dict[str, dict[str, Any]], seeds: list[int]) -> dict[str, Any]:
    """Differences from 16:5:4:3:0 of full trainings and of branches, by region, and how well their orders agree."""
    whole = np.array([[_less(rows, full(ratio, seed), full(REFERENCE, seed)) for ratio in RATIOS] for seed in seeds])
    figures: dict[str, Any] = {"ratios": RATIOS, "seeds": seeds, "full trainings": _described(whole)}
    cost = np.mean([rows[full(ratio, seed).name]["core seconds"] for ratio in RATIOS for seed in seeds])
    figures["full trainings"]["core seconds"] = float(cost)
    kinds = [(trunk, epoch, EPOCHS) for trunk, epoch in product(TRUNKS, BRANCH_EPOCHS)]
    for trunk, epoch, epochs in [*kinds, (REFERENCE, SHORT_EPOCHS // 2, SHORT_EPOCHS)]:
        own = [[branch(ratio, seed, trunk, epoch, epochs) for ratio in RATIOS] for seed in seeds]
        parts = np.array([[_branch_difference(rows, training) for training in same_seed] for same_seed in own])
        figures[f"branches of {trunk} from epoch {epoch} of {epochs}"] = {
            **_described(parts),
            "core seconds": float(
                np.mean([rows[each.name]["core seconds"] for same_seed in own for each in same_seed])
            ),
            "rank correlation with full trainings": _correlations(parts, whole),
        }
    return figures


def _less(rows: dict[str, dict[str, Any]], training: Training, other: Training) -> list[float]:
    one, two = figures_of(rows, training), figures_of(rows, other)
    return [one[title] - two[title] for title in PROTOCOLS]


def _branch_difference(rows: dict[str, dict[str, Any]], training: Training) -> list[float]:
    """The branch less what 16:5:4:3:0 becomes from the same trunk at the same epoch."""
    own = rows[training.name]
    same = own["trunk's test"] if training.trunk == REFERENCE else figures_of(rows, replace(training, ratio=REFERENCE))
    return [own["test"][title] - same[title] for title in PROTOCOLS]


def _described(differences: Array) -> dict[str, Any]:
    """(S, R, P) differences by region: mean and deviation over seeds of each ratio."""
    return {
        title: {
            ratio: {
                "mean": round(float(differences[:, r, p].mean()), 4),
                "deviation": round(float(differences[:, r, p].std(ddof=1)), 4) if len(differences) > 1 else None,
            }
            for r, ratio in enumerate(RATIOS)
        }
        for p, title in enumerate(PROTOCOLS)
    }


def _correlations(parts: Array, whole: Array) -> dict[str, Any]:
    """Spearman's correlation of the ratios' mean differences, with a 95 % bootstrap interval over seeds, by region."""
    rng = np.random.default_rng(0)
    chosen = rng.integers(0, len(parts), (_RESAMPLES, len(parts)))
    others = rng.integers(0, len(whole), (_RESAMPLES, len(whole)))
    result = {}
    for p, title in enumerate(PROTOCOLS):
        value = _spearman(parts[..., p].mean(axis=0), whole[..., p].mean(axis=0))
        drawn = [
            _spearman(parts[a, :, p].mean(axis=0), whole[b, :, p].mean(axis=0))
            for a, b in zip(chosen, others, strict=True)
        ]
        low, high = np.quantile(drawn, [0.025, 0.975])
        result[title] = {"value": round(value, 3), "low": round(float(low), 3), "high": round(float(high), 3)}
    return result


def _spearman(one: Array, other: Array) -> float:
    return float(np.corrcoef(rankdata(one), rankdata(other))[0, 1])


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else SEEDS
    measure(list(range(FIRST_SEED, FIRST_SEED + count)))
