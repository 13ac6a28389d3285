"""What a weight does: the change of each region's error with each searched weight, estimated from the trials of a search.

The validation errors of the trials are regressed on the logarithms of all weights at once, and on the radius of the
landmarks, by least squares (NumPy). The squares of the logarithms take part where there are twice as many trials as
coefficients. An effect is a difference from the ratio of reference with only one weight changed, so the reference itself
needs no trial.

Bands are percentiles of a bootstrap of trials and seeds at once (Owen, "The pigeonhole bootstrap", Annals of Applied
Statistics 2007, who shows that its variance is on the large side). Of the trials, the residuals are resampled, scaled for
the number of coefficients (Davison and Hinkley, "Bootstrap methods and their application", 1997, section 6.2.3), since a
resampled set of few trials often determines no coefficients.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from optuna.trial import FrozenTrial, TrialState

from lightning_module.evaluation.paired_seeds import Array
from lightning_module.evaluation.protocols import LANDMARKS_2D, dense_protocols
from lightning_module.evaluation.statistics import LEVEL
from sweeps.effect_factors import Factor, searched_factors
from sweeps.search_space import weights_from_store
from sweeps.settings import SweepSettings
from sweeps.trial import MEASURED, MEASURED_LESS_TRUNK, WEIGHTS

_MORE_TRIALS = 2  # than coefficients; fewer leave no residuals to speak of
_TRIALS_PER_COEFFICIENT = 2  # where squares take part
_DRAWS = 2000


@dataclass(frozen=True)
class Measure:
    """A validation error whose changes are estimated.

    Attributes:
        protocol: Its name, such as "nme_mouth".
        title: Its title, such as "mouth".
        colour: Colour of the region; that of the landmarks is black.
    """

    protocol: str
    title: str
    colour: str


@dataclass(frozen=True, eq=False)
class Fit:
    """The regression.

    Attributes:
        coefficients: (C, P) percent, for each column and measure; the first is the intercept.
        draws: (D, C, P) the same of each resample.
        residuals: (T, P) percent of each trial.
        degree: Highest power of the logarithms, 1 or 2.
    """

    coefficients: Array
    draws: Array
    residuals: Array
    degree: int


@dataclass(frozen=True, eq=False)
class Effects:
    """The effects of the weights in a search.

    Attributes:
        factors: What is searched, in the order of the table of regions; then the radius of the landmarks.
        measures: The errors whose changes are estimated.
        changes: (T, P) percent of each trial less the reference, the mean over seeds; NaN without a trial of it.
        noise: (P,) percent, deviation of one training over seeds; of one branch less its trunk where trials branch. NaN
            for a search from one seed.
        seeds: Number of seeds.
        fit: The regression; None if there are too few trials for one.
    """

    factors: tuple[Factor, ...]
    measures: tuple[Measure, ...]
    changes: Array
    noise: Array
    seeds: int
    fit: Fit | None

    def curve(self, factor: Factor, values: Array) -> tuple[Array, Array]:
        """The change of each error from the reference, if only one factor has other values.

        Args:
            factor: One of the factors.
            values: (V,) weights or radii.

        Returns:
            (V, P) percent, and (2, V, P) the ends of their 95 % intervals, each for itself.

        Raises:
            ValueError: If there is no regression.
        """
        return self.contrast(factor, factor.columns(values, self._fit.degree))

    def is_sloped(self, factor: Factor) -> bool:
        """Whether the trials tell how the errors change along a weight, and not only what having it does."""
        return factor.highest_power(self._fit.degree) > 0

    def slope(self, factor: Factor) -> tuple[Array, Array]:
        """The change of each error with a tenfold weight, on average over the range of the trials.

        Args:
            factor: A weight.

        Returns:
            (1, P) percent, and (2, 1, P) the ends of their 95 % intervals.

        Raises:
            ValueError: If there is no regression.
        """
        low, high = factor.tried
        ends = factor.columns(np.array([low, high]), self._fit.degree)
        return self.contrast(factor, (ends[1:] - ends[:1]) / np.log10(high / low))

    def contrast(self, factor: Factor, columns: Array) -> tuple[Array, Array]:
        """The change of each error with the columns of a factor, see `curve`."""
        own = self._places(factor)
        draws = columns @ self._fit.draws[:, own]
        ends = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
        return columns @ self._fit.coefficients[own], ends

    def points(self, factor: Factor) -> Array:
        """(T, P) percent of each trial less the reference, without the estimated effects of the other factors."""
        if self.fit is None:
            return self.changes
        own = factor.columns(factor.values, self.fit.degree) @ self.fit.coefficients[self._places(factor)]
        return np.asarray(own + self.fit.residuals)

    @property
    def _fit(self) -> Fit:
        if self.fit is None:
            raise ValueError("there are too few trials for a regression")
        return self.fit

    def _places(self, factor: Factor) -> slice:
        """Where the columns of a factor are among all."""
        degree, first = self._fit.degree, 1
        for other in self.factors:
            count = other.columns(other.values[:1], degree).shape[1]
            if other.name == factor.name:
                return slice(first, first + count)
            first += count
        raise ValueError(f"{factor.title} is no factor of this search")


def weight_effects(trials: Sequence[FrozenTrial], settings: SweepSettings) -> Effects | None:
    """Estimates the effects of the weights on the 68 landmarks and on each region of the face.

    Args:
        trials: The finished trials of a search. Pruned and diverged ones are left out.
        settings: The sweep.

    Returns:
        The effects; None if no trial has stored these errors, as in searches of earlier versions, if nothing varies, or if
        there are too few trials for a regression and none of the reference.
    """
    name = MEASURED_LESS_TRUNK if settings.is_branched else MEASURED
    complete = [trial for trial in trials if trial.state == TrialState.COMPLETE and name in trial.user_attrs]
    measures = tuple(
        measure
        for measure in _measures(settings)
        if complete
        and all(np.isfinite(trial.user_attrs[name].get(measure.protocol, np.nan)).all() for trial in complete)
    )
    weights = [weights_from_store(settings.regions, trial.user_attrs[WEIGHTS]) for trial in complete]
    factors = searched_factors(settings, weights)
    if not measures or not factors:
        return None
    errors = np.array([[trial.user_attrs[name][measure.protocol] for measure in measures] for trial in complete])
    means = errors.mean(axis=-1)
    is_reference = np.array([own == settings.reference for own in weights])
    fit = _fit(factors, errors)
    base = np.zeros(len(measures))
    if not (settings.is_branched and settings.trunk_weights == settings.reference):
        if not is_reference.any() and fit is None:  # the reference lies outside the space
            return None
        base = means[is_reference].mean(axis=0) if is_reference.any() else np.full(len(measures), np.nan)
    is_trunk = np.array([settings.is_branched and own == settings.trunk_weights for own in weights])
    seeds = errors.shape[-1]
    noise = np.full(len(measures), np.nan)
    if seeds > 1 and not is_trunk.all():
        noise = np.sqrt(errors[~is_trunk].var(axis=-1, ddof=1).mean(axis=0))
    return Effects(factors, measures, means - base, noise, seeds, fit)


def _measures(settings: SweepSettings) -> list[Measure]:
    own = {protocol.labels: protocol.name for protocol in dense_protocols(settings.regions)}
    regions = [
        Measure(own[(region.label,)], region.title, region.colour)
        for region in settings.regions
        if (region.label,) in own
    ]
    return [Measure(LANDMARKS_2D.name, "68 landmarks", "#000000"), *regions]


def _fit(factors: Sequence[Factor], errors: Array) -> Fit | None:
    """The regression of (T, P, S) errors; None if the trials do not determine it."""
    for degree in (2, 1):
        own = (factor.columns(factor.values, degree) for factor in factors)
        columns = np.column_stack([np.ones(len(errors)), *own])
        count = columns.shape[1]
        least = _TRIALS_PER_COEFFICIENT * count if degree > 1 else count + _MORE_TRIALS
        if len(errors) >= least and np.linalg.matrix_rank(columns) == count:
            return _resampled(columns, errors, degree)
    return None


def _resampled(columns: Array, errors: Array, degree: int) -> Fit:
    (trials, count), seeds = columns.shape, errors.shape[-1]
    inverse = np.linalg.pinv(columns)
    by_seed = np.einsum("ct,tps->cps", inverse, errors)
    residuals = errors - np.einsum("tc,cps->tps", columns, by_seed)
    scaled = residuals * np.sqrt(trials / (trials - count))
    rng = np.random.default_rng(0)
    draws = np.empty((_DRAWS, count, errors.shape[1]))
    for draw in draws:
        own_trials, own_seeds = rng.integers(trials, size=trials), rng.integers(seeds, size=seeds)
        noise = scaled[own_trials][..., own_seeds].mean(axis=-1)
        draw[:] = by_seed[..., own_seeds].mean(axis=-1) + inverse @ noise
    return Fit(by_seed.mean(axis=-1), draws, residuals.mean(axis=-1), degree)
