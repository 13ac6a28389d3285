"""Simulates confirmations whose truth is known: false results, power and seeds of the sequential test.

python -m benchmarks.stopping_rules
"""

import numpy as np
from numpy.typing import NDArray

from benchmarks.measurements import save
from lightning_module.evaluation.paired_seeds import Array
from lightning_module.evaluation.sequential import SequentialDesign, detectable, followed

REPETITIONS = 20_000
DESIGNS = [(6, 1), (8, 3), (9, 5), (20, 3)]  # most seeds and ratios
EFFECTS = (0, 0.5, 1, 1.5, 2, 3)  # of the first ratio, in deviations of its differences
SKEWED_SHAPE = 4.0  # of a gamma distribution, whose skewness is then 1


def simulate() -> None:
    """Simulates all designs, and saves the figures."""
    figures = {f"{most} seeds, {ratios} ratios": _design(most, ratios) for most, ratios in DESIGNS}
    save("stopping_rules", "python -m benchmarks.stopping_rules", {"repetitions": REPETITIONS, **figures})


def _design(most: int, ratios: int) -> dict[str, object]:
    design, one_look = SequentialDesign.up_to(most), SequentialDesign((most,))
    false: dict[str, dict[str, float]] = {}
    for shape in ("normal", "t with 5 degrees of freedom", "trainings of skewness 1", "differences of skewness 1"):
        differences = _differences(shape, most, ratios)
        standing = followed(design, differences)
        better = standing.is_significant & (standing.strongest < 0)
        false[shape] = {
            "better": _share(better.any(axis=1)),
            "better or worse": _share(standing.is_significant.any(axis=1)),
            "better or worse, one look": _share(followed(one_look, differences).is_significant.any(axis=1)),
        }
    found: dict[str, dict[str, float]] = {}
    noise = _differences("normal", most, ratios, seed=1)
    for effect in EFFECTS:
        differences = noise - effect * (np.arange(ratios) == 0)[:, None]
        standing = followed(design, differences)
        found[f"{effect:g} deviations"] = {
            "power": _share(standing.is_significant[:, 0]),
            "power, one look": _share(followed(one_look, differences).is_significant[:, 0]),
            "seeds": round(float(standing.seeds[:, 0].mean()) / most, 3),
            "difference where significant": _mean_where(
                standing.is_significant[:, 0], differences[:, 0], standing.seeds
            ),
        }
    return {
        "looks": list(design.looks),
        "false": false,
        "first ratio": found,
        "detectable, deviations": round(detectable(design, ratios), 2),
        "detectable with one look, deviations": round(detectable(one_look, ratios), 2),
    }


def _differences(shape: str, most: int, ratios: int, seed: int = 0) -> Array:
    """(R, M, S) differences of M ratios from one reference, without an effect, with a deviation of 1."""
    rng = np.random.default_rng([most, ratios, seed])

    def draw(count: int) -> Array:
        size = (REPETITIONS, count, most)
        match shape:
            case "t with 5 degrees of freedom":
                return rng.standard_t(5, size) / (5 / 3) ** 0.5
            case "trainings of skewness 1" | "differences of skewness 1":
                return rng.gamma(SKEWED_SHAPE, size=size) / SKEWED_SHAPE**0.5 - SKEWED_SHAPE**0.5
            case _:
                return rng.normal(size=size)

    if shape == "differences of skewness 1":  # as if all chance were that of the ratio
        return draw(ratios)
    return (draw(ratios) - draw(1)) / 2**0.5


def _mean_where(is_significant: NDArray[np.bool_], differences: Array, seeds: NDArray[np.int64]) -> float:
    """Mean of the observed differences that are significant, in deviations."""
    until = np.arange(differences.shape[1]) < seeds[:, :1]
    observed = (differences * until).sum(axis=1) / until.sum(axis=1)
    return round(float(observed[is_significant].mean()), 2)


def _share(flags: NDArray[np.bool_]) -> float:
    return round(float(np.mean(flags)), 4)


if __name__ == "__main__":
    simulate()
