"""The confirmation of a search: the best ratios and the known ones are trained from fresh seeds and tested."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.trial import FrozenTrial, TrialState

from lightning_module.evaluation.sequential import SequentialDesign
from lightning_module.region_weights import RegionWeights
from sweeps.confirmation_course import SEED, TEST, Course, follow
from sweeps.divergence import finite_training
from sweeps.job_queue import Job
from sweeps.search_space import stored_weights, weights_from_store
from sweeps.settings import SweepSettings
from sweeps.training import Train, TrainingRequest
from sweeps.trial import BY_BIN, RATIO, RUNS, WEIGHTS


@dataclass(frozen=True, eq=False)
class Confirmation:
    """The test errors of a confirmation.

    Attributes:
        errors: (S, N) percent by ratio, for each seed that was looked at and each face, under the protocol of the
            sweep's first score. Ratios differ in S; those without a look are missing.
        bins: (N,) index in `YAW_BINS` of each face's bin.
        dataset: Name of the data set.
        candidates: Ratios proposed by the search, the best first.
        course: The looks, and what was decided at them.
    """

    errors: dict[str, NDArray[np.float64]]
    bins: NDArray[np.int64]
    dataset: str
    candidates: list[str]
    course: Course


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


def families_of(chosen: Sequence[RegionWeights], settings: SweepSettings) -> list[list[str]]:
    """The proposed ratios, and the known ones but for the reference; each family has its own correction."""
    known = [weights.ratio for weights in settings.baselines if weights != settings.reference]
    return [[weights.ratio for weights in chosen], known]


def confirmation_job(weights: RegionWeights, seed: int) -> Job:
    """The job that trains a ratio from a seed."""
    attributes = {RATIO: weights.ratio, WEIGHTS: stored_weights(weights), SEED: seed}
    return Job(f"{weights.ratio} s{seed}", attributes=attributes)


def run_confirmation(trial: optuna.Trial, settings: SweepSettings, train: Train) -> tuple[float, ...]:
    """Trains a ratio from one fresh seed, and tests it.

    Returns:
        The first score on the test faces, in percent.

    Raises:
        TrialPruned: If the training diverged.
        ValueError: If the training was not tested.
    """
    job = trial.user_attrs
    tags = {"sweep": settings.study, "stage": "confirm", "trial": str(trial.number)}
    weights = weights_from_store(settings.regions, job[WEIGHTS])
    request = TrainingRequest(settings, weights, job[SEED], tags, True, lambda _: True, epochs=settings.confirm_epochs)
    result = finite_training(trial, train, request)
    if result.test is None:
        raise ValueError(f"run {result.run} was not tested")
    by_bin = result.test.by_bin
    trial.set_user_attr(RUNS, [result.run])
    trial.set_user_attr(BY_BIN, by_bin)
    trial.set_user_attr(TEST, result.test.as_attribute())
    return (settings.score.value(by_bin),)


def confirmation(
    finished: Sequence[FrozenTrial],
    chosen: Sequence[RegionWeights],
    settings: SweepSettings,
    design: SequentialDesign | None = None,
) -> Confirmation:
    """Gathers the test errors of the trainings of a confirmation, and what they decide.

    Args:
        finished: The finished trainings.
        chosen: Ratios proposed by the search.
        settings: The sweep.
        design: The design that the confirmation was begun with; by default that of the settings.

    Raises:
        InputError: If they were not all tested on the same faces.
    """
    families = families_of(chosen, settings)
    course = follow(finished, families, settings, design or SequentialDesign.up_to(settings.confirm_seeds))
    seeds = {settings.reference.ratio: course.looked_at}
    for ratios, standing in reversed(list(zip(families, course.standings, strict=True))):
        seeds |= dict(zip(ratios, standing.seeds.tolist(), strict=True))
    errors = {ratio: course.errors(ratio, count) for ratio, count in seeds.items() if count}
    first = next(iter(course.tests.values()), None)
    bins = np.zeros(0, np.int64) if first is None else first.bins
    dataset = "no test data" if first is None else first.dataset
    return Confirmation(errors, bins, dataset, families[0], course)


def _dominates(one: FrozenTrial, other: FrozenTrial) -> bool:
    return one.values != other.values and all(a <= b for a, b in zip(one.values, other.values, strict=True))
