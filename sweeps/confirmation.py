"""Are the best ratios of a search really better? Training them again from fresh seeds, beside the known ones."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.trial import FrozenTrial, TrialState

from datamodules.errors import InputError
from datamodules.geometry.regions import five_regions
from lightning_module.region_weights import RegionWeights
from sweeps.baselines import BASELINES, KNOWN_RATIOS, REFERENCE
from sweeps.job_queue import Job
from sweeps.search_space import stored_weights, weights_from_store
from sweeps.settings import SweepSettings, objective_value
from sweeps.training import Fit, FitRequest, TestErrors
from sweeps.trial import BY_BIN, RATIO, RUNS, WEIGHTS

_TEST, _SEED = "test", "seed"


@dataclass(frozen=True, eq=False)
class Confirmation:
    """What was found on the test faces.

    Attributes:
        errors: (S, N) NME in percent by ratio: of every face, from every seed.
        bins: (N,) yaw bin of each face.
        data: Name of the data set.
        candidates: Ratios that the search found, the best first.
    """

    errors: dict[str, NDArray[np.float64]]
    bins: NDArray[np.int64]
    data: str
    candidates: list[str]


def candidates(search: Sequence[FrozenTrial], settings: SweepSettings) -> list[RegionWeights]:
    """The best ratios of a search that are none of the known ones; with two objectives, its Pareto front first."""
    complete = [trial for trial in search if trial.state == TrialState.COMPLETE]
    front = {trial.number for trial in complete if not any(_dominates(other, trial) for other in complete)}
    complete.sort(key=lambda trial: (trial.number not in front, trial.values[0]))
    found: dict[str, RegionWeights] = {}
    for trial in complete:
        found.setdefault(trial.user_attrs[RATIO], weights_from_store(five_regions(), trial.user_attrs[WEIGHTS]))
    return [weights for ratio, weights in found.items() if ratio not in KNOWN_RATIOS][: settings.confirm_ratios]


def confirmation_jobs(chosen: Sequence[RegionWeights], settings: SweepSettings) -> list[Job]:
    """One for each ratio and seed; ratios take turns, so that a stop leaves pairs."""
    return [
        Job(
            f"{weights.ratio} s{seed}", attributes={RATIO: weights.ratio, WEIGHTS: stored_weights(weights), _SEED: seed}
        )
        for seed in settings.seeds_of_confirmation
        for weights in (*BASELINES, *chosen)
    ]


def run_confirmation(trial: optuna.Trial, settings: SweepSettings, fit: Fit) -> tuple[float, ...]:
    """Trains a ratio from one fresh seed, and tests it.

    Raises:
        ValueError: If there was nothing to test on.
    """
    told = trial.user_attrs
    tags = {"sweep": settings.study, "stage": "confirm", "trial": str(trial.number)}
    request = FitRequest(
        settings, weights_from_store(five_regions(), told[WEIGHTS]), told[_SEED], tags, True, lambda _: True
    )
    result = fit(request)
    if result.test is None:
        raise ValueError(f"run {result.run} was not tested")
    test = result.test
    by_bin = {str(name): float(test.nme[test.bins == name].mean()) for name in np.unique(test.bins)}
    trial.set_user_attr(RUNS, [result.run])
    trial.set_user_attr(BY_BIN, by_bin)
    trial.set_user_attr(
        _TEST,
        {
            "nme": test.nme.round(4).tolist(),
            "bins": test.bins.tolist(),
            "data": test.data,
            "fingerprint": test.fingerprint,
        },
    )
    return objective_value("mean", by_bin)


def confirmation(finished: Sequence[FrozenTrial], chosen: Sequence[RegionWeights]) -> Confirmation:
    """What all trainings of a confirmation found.

    Raises:
        InputError: If they were not all tested on the same faces.
    """
    tests: dict[str, dict[int, TestErrors]] = {}
    for trial in finished:
        told = trial.user_attrs[_TEST]
        test = TestErrors(np.array(told["nme"]), np.array(told["bins"]), told["data"], told["fingerprint"])
        tests.setdefault(trial.user_attrs[RATIO], {})[trial.user_attrs[_SEED]] = test
    first = next(iter(tests[REFERENCE.ratio].values()))
    for ratio, by_seed in tests.items():
        if any(test.fingerprint != first.fingerprint for test in by_seed.values()):
            raise InputError(
                f"{ratio} was tested on other faces than {REFERENCE.ratio}: test data must not change in a "
                "sweep. Give another --study."
            )
    errors = {ratio: np.stack([by_seed[seed].nme for seed in sorted(by_seed)]) for ratio, by_seed in tests.items()}
    return Confirmation(errors, first.bins, first.data, [weights.ratio for weights in chosen])


def _dominates(one: FrozenTrial, other: FrozenTrial) -> bool:
    return one.values != other.values and all(a <= b for a, b in zip(one.values, other.values, strict=True))
