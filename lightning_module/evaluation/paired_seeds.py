"""Tests whether two methods differ that were trained from the same seeds and tested on the same faces.

Only the seeds are independent: the errors of one network are correlated over faces, so a permutation of faces would call
most null differences significant. The test is therefore an exact sign-flip test over seeds; faces only widen the
interval.
"""

from collections.abc import Sequence
from functools import cache
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.stats import permutation_test

from lightning_module.evaluation.nme import YAW_BINS, reduce_bins
from lightning_module.evaluation.statistics import LEVEL, Interval

Array = NDArray[np.float64]

ALPHA = 1 - LEVEL
POWER = 0.8
_MOST_EXACT = 16  # seeds up to which all sign flips are tried; beyond, as many are drawn at random
_FLIPS = 2**_MOST_EXACT
_SIMULATIONS, _HALVINGS = 4000, 14


def sign_flip_p(differences: Array, seed: int = 0) -> float:
    """Two-sided p-value of the hypothesis that positive and negative differences are equally likely.

    With S seeds, p is at least 2 / 2^S, so five seeds cannot be significant at 5 %.

    Args:
        differences: (S,) mean difference of the two methods for each seed.
        seed: Seed of random flips, where there are too many to try all.
    """
    result = permutation_test(
        (differences,),
        np.mean,
        permutation_type="samples",
        n_resamples=_FLIPS,
        vectorized=True,
        rng=np.random.default_rng(seed),
    )
    return float(result.pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values of several hypotheses, adjusted for their number (Holm, 1979)."""
    adjusted, highest = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(np.argsort(p_values).tolist()):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = highest
    return adjusted


def reduced_by_seed(errors: Array, bins: NDArray[np.integer], reduction: str) -> Array:
    """Reduces the errors of each seed to one figure.

    Args:
        errors: (S, N) percent, for each seed and face.
        bins: (N,) index in `YAW_BINS` of each face's bin.
        reduction: How the means of the bins become one figure, such as "mean" or "worst".

    Returns:
        (S,) percent.
    """
    means = np.full((len(errors), len(YAW_BINS)), np.nan)
    for place in np.unique(bins):
        means[:, place] = errors[:, bins == place].mean(axis=1)
    return reduce_bins(means, reduction)


def difference_interval(
    errors: Array,
    reference: Array,
    bins: NDArray[np.integer],
    reduction: str = "mean",
    seed: int = 0,
    resamples: int = 2000,
) -> Interval:
    """95 % bootstrap interval of the difference of a figure, resampling seeds and faces.

    Args:
        errors: (S, N) percent, for each seed and face; the faces are the same for all seeds.
        reference: (S, N) percent, from the same seeds.
        bins: (N,) index in `YAW_BINS` of each face's bin.
        reduction: How the means of the bins become one figure.
        seed: Seed of the resampling.
        resamples: Number of resamples.
    """
    rng = np.random.default_rng(seed)
    seeds = len(errors)
    seed_shares = rng.multinomial(seeds, np.full(seeds, 1 / seeds), size=resamples) / seeds  # (resamples, S)
    means = np.full((2, resamples, seeds, len(YAW_BINS)), np.nan)
    for place in np.unique(bins):
        count = int((bins == place).sum())
        face_shares = rng.multinomial(count, np.full(count, 1 / count), size=resamples) / count
        means[0, ..., place] = face_shares @ errors[:, bins == place].T
        means[1, ..., place] = face_shares @ reference[:, bins == place].T
    ours, theirs = reduce_bins(means, reduction)
    low, high = np.quantile((seed_shares * (ours - theirs)).sum(axis=1), [ALPHA / 2, 1 - ALPHA / 2])
    return Interval(float(low), float(high))


@cache
def detectable(seeds: int, hypotheses: int) -> float:
    """Smallest true difference, in deviations of the paired differences, that is detected with a power of 80 %.

    It is simulated with normal differences, for the strictest of Holm's steps. It is infinite if no result can be
    significant.

    Args:
        seeds: Number of seeds of each method.
        hypotheses: Number of methods that are compared with the reference.
    """
    if 2 / 2**seeds > ALPHA / hypotheses:
        return float("inf")
    signs = np.array(list(product((-1.0, 1.0), repeat=min(seeds, 12)))) if seeds <= 12 else _random_signs(seeds)
    noise = np.random.default_rng(0).normal(size=(seeds, _SIMULATIONS))
    low, high = 0.0, 10.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        power = _significant(noise + middle, signs, ALPHA / hypotheses)
        low, high = (low, middle) if power >= POWER else (middle, high)
    return high


@cache
def interval_coverage(seeds: int) -> float:
    """Coverage of a 95 % bootstrap interval over few seeds, simulated with normal differences.

    Args:
        seeds: Number of seeds of each method. The contribution of faces is small, and is left out.
    """
    rng = np.random.default_rng(2)
    drawn = rng.multinomial(seeds, np.full(seeds, 1 / seeds), size=_SIMULATIONS // 4) / seeds
    means = drawn @ rng.normal(size=(seeds, _SIMULATIONS))
    low, high = np.quantile(means, [ALPHA / 2, 1 - ALPHA / 2], axis=0)
    return float(((low <= 0) & (high >= 0)).mean())


def _random_signs(seeds: int) -> Array:
    return np.random.default_rng(1).choice((-1.0, 1.0), size=(4096, seeds))


def _significant(differences: Array, signs: Array, alpha: float) -> float:
    """Fraction of the columns that the sign-flip test calls significant."""
    observed = np.abs(differences.sum(axis=0))
    p_values = (np.abs(signs @ differences) >= observed - 1e-9).mean(axis=0)
    return float((p_values <= alpha).mean())
