"""Group-sequential comparison of several methods with a reference: seeds are added until the result is clear.

After each look at the paired differences of the seeds so far, a method is closed if it differs significantly from the
reference, or if it is futile to continue. The parts of the procedure are

- Student's t of the differences, as a normal score of the same significance (Jennison and Turnbull, "Group Sequential
  Methods", 2000, section 4.4);
- a boundary of Wang and Tsiatis (Biometrics 43, 1987) with shape 0.25, between O'Brien and Fleming's 0 and Pocock's 0.5;
- a p-value for all looks together, by the simulated distribution of the greatest score of a method that does not differ
  (sequential p-value; Liu and Anderson, JASA 103, 2008);
- Holm's correction of these p-values at each look (Ye et al., Statistics in Medicine 32, 2013; Maurer and Bretz, Statistics
  in Biopharmaceutical Research 5, 2013);
- a futility rule that does not bind: the p-values hold whether or not it is followed.

Assumption: the paired differences of one method are independent over seeds and normally distributed. A sign-flip test,
which does without normality, cannot decide early: four seeds give no p-value below 1/8.
"""

from dataclasses import dataclass
from functools import cache
from math import ceil

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtr
from scipy.stats import nct, norm
from scipy.stats import t as student_t

from lightning_module.evaluation.paired_seeds import ALPHA, POWER, Array, holm
from lightning_module.evaluation.statistics import Interval

_SHAPE = 0.25
_LOOKS_AT = (3 / 8, 4 / 8, 5 / 8, 6 / 8, 7 / 8, 1)  # shares of the most seeds
_FIRST_LOOK = 3  # seeds, so that a deviation is estimated from more than one degree of freedom
_PLANNED_EFFECT, _MOST_MISSED = 2.0, 0.04  # with fewer seeds, looks would cost more than 0.05 of the power
_NULLS = 400_000  # simulated repetitions: the standard error of a level of 5 % is 0.0003
_SIMULATIONS, _HALVINGS = 4000, 12


@dataclass(frozen=True)
class SequentialDesign:
    """The numbers of seeds after which results are looked at.

    Attributes:
        looks: Increasing numbers of seeds; the last is the most that are trained.
    """

    looks: tuple[int, ...]

    @classmethod
    def up_to(cls, most_seeds: int) -> "SequentialDesign":
        """The design for a number of seeds at most; one look at the end if so few cannot decide anything."""
        if most_seeds < least_seeds(1):
            return cls((most_seeds,))
        return cls(tuple(sorted({max(_FIRST_LOOK, ceil(share * most_seeds)) for share in _LOOKS_AT})))

    @property
    def most_seeds(self) -> int:
        """The most seeds that are trained."""
        return self.looks[-1]

    def can_decide(self, hypotheses: int) -> bool:
        """Whether so many methods can be called better or worse at all; see `least_seeds`."""
        return self.most_seeds >= least_seeds(max(hypotheses, 1))

    def weight(self, seeds: int) -> float:
        """The factor of a score at a look; it is below 1 at early looks, which must be clearer."""
        return float((seeds / self.most_seeds) ** (0.5 - _SHAPE))


@dataclass(frozen=True, eq=False)
class Standing:
    """Where M methods stand after a look; leading axes are independent repetitions of the comparison.

    Attributes:
        strongest: (..., M) signed and weighted score of the clearest look so far; negative if the method is better.
        p: (..., M) two-sided p-values, adjusted for all looks and for the number of methods.
        seeds: (..., M) seeds of the last look at each method.
        is_open: (..., M) whether a method needs more seeds.
    """

    strongest: Array
    p: Array
    seeds: NDArray[np.int64]
    is_open: NDArray[np.bool_]

    @classmethod
    def first(cls, *shape: int) -> "Standing":
        """The standing before the first look.

        Args:
            *shape: Repetitions, and last the number of methods.
        """
        return cls(np.zeros(shape), np.ones(shape), np.zeros(shape, np.int64), np.ones(shape, np.bool_))

    @property
    def is_significant(self) -> NDArray[np.bool_]:
        """(..., M) whether a method is better or worse than the reference."""
        return self.p <= ALPHA


def after_look(design: SequentialDesign, standing: Standing, differences: Array) -> Standing:
    """The standing after a look.

    Args:
        design: The design.
        standing: The standing before.
        differences: (..., M, S) differences from the reference for the S seeds of the look. Those of closed methods do
            not count; a method with a NaN, such as one that diverged, is closed without a result.
    """
    seeds = differences.shape[-1]
    mean, error = _mean_and_error(differences)
    is_seen = standing.is_open & np.isfinite(mean)
    own_score = np.where(is_seen, _normal_score(mean, error, seeds), 0.0)
    score = design.weight(seeds) * own_score
    is_clearer = np.abs(score) > np.abs(standing.strongest)
    strongest = np.where(is_clearer, score, standing.strongest)
    p = np.ones_like(strongest)
    if design.can_decide(strongest.shape[-1]):
        p = holm(_p_of_all_looks(design, np.abs(strongest)))
    is_futile = np.abs(own_score) <= futility_limit(design, seeds)
    is_open = is_seen & (p > ALPHA) & ~is_futile & (seeds < design.most_seeds)
    return Standing(strongest, p, np.where(is_seen, seeds, standing.seeds), is_open)


def repeated_interval(design: SequentialDesign, differences: Array) -> Interval:
    """95 % interval of one method's mean difference that covers the truth at all looks (Jennison and Turnbull, 1989).

    Args:
        design: The design.
        differences: (S,) differences for the seeds of a look; with fewer than two seeds the interval is unknown.
    """
    seeds = len(differences)
    if seeds < 2:
        return Interval(float("nan"), float("nan"))
    mean, error = _mean_and_error(differences)
    half = float(student_t.isf(norm.sf(boundary(design, seeds)), seeds - 1) * error)
    return Interval(float(mean) - half, float(mean) + half)


def boundary(design: SequentialDesign, seeds: int, hypotheses: int = 1) -> float:
    """The normal score that is significant at a look.

    Args:
        design: The design.
        seeds: Seeds of the look.
        hypotheses: Number of methods; the boundary is that of Holm's strictest step.
    """
    return float(np.quantile(_null_maxima(design), 1 - ALPHA / hypotheses)) / design.weight(seeds)


def futility_limit(design: SequentialDesign, seeds: int) -> float:
    """The normal score up to which a method is given up at a look.

    The mean difference is then at most one standard error that the mean of all seeds will have.
    """
    return float(_normal_score(np.array(1.0), np.sqrt(design.most_seeds / seeds), seeds))


def normal_scores(differences: Array) -> Array:
    """(...) normal scores of the t statistics of differences (..., S); negative if the mean is."""
    return _normal_score(*_mean_and_error(differences), differences.shape[-1])


@cache
def least_seeds(hypotheses: int) -> int:
    """The smallest number of seeds at most with which a sequential comparison is worthwhile.

    It is the number with which a t-test of all seeds, at the strictest step of Holm, would find a difference of two
    deviations in 96 of 100 comparisons. With fewer, looks cost more power than they save trainings, and no method is
    called better or worse.

    Args:
        hypotheses: Number of methods that are compared with the reference.
    """
    seeds = _FIRST_LOOK
    while True:
        critical = student_t.isf(ALPHA / hypotheses / 2, seeds - 1)
        if nct.sf(critical, seeds - 1, _PLANNED_EFFECT * seeds**0.5) >= 1 - _MOST_MISSED:
            return seeds
        seeds += 1


@cache
def detectable(design: SequentialDesign, hypotheses: int) -> float:
    """Smallest true difference, in deviations of the paired differences, that is found with a power of 80 %.

    It is simulated with normal differences, for the strictest of Holm's steps. It is infinite if nothing can be decided.

    Args:
        design: The design.
        hypotheses: Number of methods that are compared with the reference.
    """
    if not design.can_decide(hypotheses):
        return float("inf")
    noise = np.full((_SIMULATIONS, hypotheses, design.most_seeds), np.nan)  # the others show nothing
    noise[:, 0] = np.random.default_rng(0).normal(size=(_SIMULATIONS, design.most_seeds))
    low, high = 0.0, 4.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        found = followed(design, noise + middle).is_significant[:, 0].mean()
        low, high = (low, middle) if found >= POWER else (middle, high)
    return high


def followed(design: SequentialDesign, differences: Array) -> Standing:
    """The final standing of comparisons whose differences (..., M, S) for all seeds are known."""
    standing = Standing.first(*differences.shape[:-1])
    for seeds in design.looks:
        standing = after_look(design, standing, differences[..., :seeds])
    return standing


def _mean_and_error(differences: Array) -> tuple[Array, Array]:
    """Mean and standard error over seeds; the error of a single seed is infinite."""
    seeds = differences.shape[-1]
    mean = differences.mean(axis=-1)
    error = differences.std(axis=-1, ddof=1) / np.sqrt(seeds) if seeds > 1 else np.full_like(mean, np.inf)
    return mean, error


def _normal_score(mean: Array, error: Array, seeds: int) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):  # differences without any spread
        t = np.where(mean == 0, 0.0, mean / error)
    return np.asarray(-np.sign(t) * ndtri(stdtr(max(seeds - 1, 1), -np.abs(t))))


def _p_of_all_looks(design: SequentialDesign, strongest: Array) -> Array:
    nulls = _null_maxima(design)
    return (1 + len(nulls) - np.searchsorted(nulls, strongest)) / (1 + len(nulls))


@cache
def _null_maxima(design: SequentialDesign) -> Array:
    """Sorted greatest weighted scores of methods that do not differ from the reference."""
    rng = np.random.default_rng(0)
    total, squares, before = np.zeros(_NULLS), np.zeros(_NULLS), 0
    maxima = np.zeros(_NULLS)
    for seeds in design.looks:
        new = seeds - before  # their sum is normal; their squares about their mean are chi-squared
        drawn = rng.normal(scale=new**0.5, size=_NULLS)
        about_mean = rng.chisquare(new - 1, _NULLS) if new > 1 else 0.0
        total, squares, before = total + drawn, squares + drawn**2 / new + about_mean, seeds
        mean = total / seeds
        error = np.sqrt((squares / seeds - mean**2) / (seeds - 1)) if seeds > 1 else np.full_like(mean, np.inf)
        maxima = np.maximum(maxima, design.weight(seeds) * np.abs(_normal_score(mean, error, seeds)))
    maxima.sort()
    return maxima
