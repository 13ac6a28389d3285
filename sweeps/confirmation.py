"""The confirmation of a search: the best ratios and the known ones are trained from fresh seeds and tested."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.trial import FrozenTrial, TrialState

from datamodules.errors import InputError
from lightning_module.region_weights import RegionWeights
from sweeps.job_queue import Job
from sweeps.search_space import stored_weights, weights_from_store
from sweeps.settings import SweepSettings
from sweeps.training import MeasuredErrors, Train, TrainingRequest
from sweeps.trial import BY_BIN, RATIO, RUNS, WEIGHTS

_TEST, _SEED = "test", "seed"


@dataclass(frozen=True, eq=False)
class Confirmation:
    """The test errors of a confirmation.

    Attributes:
        errors: (S, N) percent by ratio, for each seed and face, under the protocol of the sweep's first score.
        bins: (N,) index in `YAW_BINS` of each face's bin.
        dataset: Name of the data set.
        candidates: Ratios proposed by the search, the best first.
    """

    errors: dict[str, NDArray[np.float64]]
    bins: NDArray[np.int64]
    dataset: str
    candidates: list[str]


def candidates(search: Sequence[FrozenTrial], settings: SweepSettings) -> list[RegionWeights]:
    """The best ratios of a search, without the known ones; with two scores, those of the Pareto front come first."""
    complete = [trial for trial in search if trial.state == TrialState.COMPLETE]
    front = {trial.number for trial in complete if not any(_dominates(other, trial) for other in complete)}
    complete.sort(key=lambda trial: (trial.number not in front, trial.values[0]))
    by_ratio: dict[str, RegionWeights] = {}
    for trial in complete:
        weights = weights_from_store(settings.regions, trial.user_attrs[WEIGHTS])
        by_ratio.setdefault(trial.user_attrs[RATIO], weights)
    proposed = [weights for ratio, weights in by_ratio.items() if ratio not in settings.known_ratios]
    return proposed[: settings.confirm_ratios]


def confirmation_jobs(chosen: Sequence[RegionWeights], settings: SweepSettings) -> list[Job]:
    """One job for each ratio and seed, ordered by seed, so that an interruption leaves pairs of equal seeds."""
    return [
        Job(
            f"{weights.ratio} s{seed}", attributes={RATIO: weights.ratio, WEIGHTS: stored_weights(weights), _SEED: seed}
        )
        for seed in settings.seeds_of_confirmation
        for weights in (*settings.baselines, *chosen)
    ]


def run_confirmation(trial: optuna.Trial, settings: SweepSettings, train: Train) -> tuple[float, ...]:
    """Trains a ratio from one fresh seed, and tests it.

    Returns:
        The first score on the test faces, in percent.

    Raises:
        ValueError: If the training was not tested.
    """
    job = trial.user_attrs
    tags = {"sweep": settings.study, "stage": "confirm", "trial": str(trial.number)}
    weights = weights_from_store(settings.regions, job[WEIGHTS])
    result = train(TrainingRequest(settings, weights, job[_SEED], tags, True, lambda _: True))
    if result.test is None:
        raise ValueError(f"run {result.run} was not tested")
    by_bin = result.test.by_bin
    trial.set_user_attr(RUNS, [result.run])
    trial.set_user_attr(BY_BIN, by_bin)
    trial.set_user_attr(_TEST, result.test.as_attribute())
    return (settings.score.value(by_bin),)


def confirmation(
    finished: Sequence[FrozenTrial], chosen: Sequence[RegionWeights], settings: SweepSettings
) -> Confirmation:
    """Gathers the test errors of all trainings of a confirmation.

    Raises:
        InputError: If they were not all tested on the same faces.
    """
    tests: dict[str, dict[int, MeasuredErrors]] = {}
    for trial in finished:
        test = MeasuredErrors.from_attribute(trial.user_attrs[_TEST])
        tests.setdefault(trial.user_attrs[RATIO], {})[trial.user_attrs[_SEED]] = test
    reference = settings.reference.ratio
    first = next(iter(tests[reference].values()))
    for ratio, by_seed in tests.items():
        if any(test.fingerprint != first.fingerprint for test in by_seed.values()):
            raise InputError(
                f"{ratio} was tested on other faces than {reference}: test data must not change during a sweep. Give "
                "another --study."
            )
    errors = {ratio: np.stack([by_seed[seed].errors for seed in sorted(by_seed)]) for ratio, by_seed in tests.items()}
    return Confirmation(errors, first.bins, first.dataset, [weights.ratio for weights in chosen])


def _dominates(one: FrozenTrial, other: FrozenTrial) -> bool:
    return one.values != other.values and all(a <= b for a, b in zip(one.values, other.values, strict=True))
