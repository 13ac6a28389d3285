"""One trial of the search: trains a ratio from each seed, and scores it on validation faces only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import optuna

from lightning_module.region_weights import RegionWeights
from sweeps.divergence import finite_training
from sweeps.search_space import stored_weights
from sweeps.settings import SweepSettings
from sweeps.training import DECIMALS, Train, TrainingRequest
from sweeps.training_data import refuse_other_data
from sweeps.trunks import EPOCHS, Trunks
from sweeps.validations import Validation, Validations, mean_validation, means_of_bins

# Attributes of a trial in the database. BY_BIN refers to the protocol of the first score.
RATIO, WEIGHTS, RUNS, BY_BIN = "ratio", "weights", "runs", "by_bin"
LESS_TRUNK = "less_trunk"  # for each trunk, each score of the branch less that of the trunk, in percent
# By protocol of a validation, the mean of the yaw bins for each seed, and for branches the same less that of the trunk.
MEASURED, MEASURED_LESS_TRUNK = "measured", "measured_less_trunk"


@dataclass(frozen=True)
class _Outcome:
    """The outcome of one training of a trial.

    Attributes:
        run: Key of its run.
        validation: The validation that counts.
        epochs: Number of epochs that it trained.
        fingerprints: Fingerprints of its data and face model.
        is_pruned: Whether the sweep ended it early.
        trunk: The validation of the trunk that it branched from, or None.
    """

    run: str
    validation: Validation
    epochs: int
    fingerprints: Mapping[str, str]
    is_pruned: bool = False
    trunk: Validation | None = None


def run_trial(
    trial: optuna.Trial, settings: SweepSettings, train: Train, trunks: Trunks | None = None
) -> tuple[float, ...]:
    """Trains the trial's ratio from each seed of the search.

    Args:
        trial: The trial.
        settings: The sweep.
        train: Trains one ratio.
        trunks: The trainings that this one branches from, one for each seed; None trains in full.

    Returns:
        Each score of the sweep, in percent, averaged over seeds: of the best validation of full trainings, and of the
        last validation of branches.

    Raises:
        TrialPruned: If the trial is pruned, or a training diverged.
        ValueError: If a training has no validation.
    """
    weights = settings.space.suggest(trial, settings.regions)
    trial.set_user_attr(RATIO, weights.ratio)
    trial.set_user_attr(WEIGHTS, stored_weights(weights))
    seeds = settings.seeds_of_search
    outcomes: list[_Outcome] = []
    for number, seed in enumerate(seeds):
        if trunks is None:
            outcome = _train(trial, settings, weights, seed, train)
        else:
            outcome = _branch(trial, settings, weights, seed, train, trunks)
        refuse_other_data(trial.study, settings, outcome.fingerprints)
        outcomes.append(outcome)
        mean = mean_validation([outcome.validation for outcome in outcomes])
        _record(trial, settings, outcomes, mean)
        if outcome.is_pruned:
            raise optuna.TrialPruned
        if settings.prunes and len(seeds) > 1:
            # a step is a seed; the Wilcoxon test needs the figure of each seed, the median pruner compares means
            reported = outcome.validation if settings.pruner == "wilcoxon" else mean
            trial.report(settings.values(reported)[0], number)
            if number < len(seeds) - 1 and trial.should_prune():
                raise optuna.TrialPruned
    return settings.values(mean)


def _train(trial: optuna.Trial, settings: SweepSettings, weights: RegionWeights, seed: int, train: Train) -> _Outcome:
    validations = Validations(settings, trial if settings.prunes and settings.search_seeds == 1 else None)
    request = TrainingRequest(settings, weights, seed, _tags(trial, settings), False, validations)
    result = finite_training(trial, train, request)
    return _Outcome(result.run, validations.best(), result.epochs, result.fingerprints, result.is_pruned)


def _branch(
    trial: optuna.Trial, settings: SweepSettings, weights: RegionWeights, seed: int, train: Train, trunks: Trunks
) -> _Outcome:
    """Trains a branch to its end: right after a change of the loss its validations say little, so none prunes it."""
    trunk = trunks.of_seed(seed)
    if weights == settings.trunk_weights:  # nothing would change
        return _Outcome(trunk.run, trunk.validation, 0, trunk.fingerprints, trunk=trunk.validation)
    validations = Validations(settings)
    start = trunks.checkpoint(trunk)
    request = TrainingRequest(settings, weights, seed, _tags(trial, settings), False, validations, start)
    result = finite_training(trial, train, request)
    return _Outcome(result.run, validations.last(), result.epochs, result.fingerprints, trunk=trunk.validation)


def _tags(trial: optuna.Trial, settings: SweepSettings) -> dict[str, str]:
    return {"sweep": settings.study, "stage": "search", "trial": str(trial.number)}


def _record(trial: optuna.Trial, settings: SweepSettings, outcomes: list[_Outcome], mean: Validation) -> None:
    trial.set_user_attr(RUNS, [outcome.run for outcome in outcomes])
    trial.set_user_attr(BY_BIN, mean[settings.score.protocol])
    trial.set_user_attr(EPOCHS, sum(outcome.epochs for outcome in outcomes))
    measured = [means_of_bins(outcome.validation) for outcome in outcomes]
    trial.set_user_attr(MEASURED, _by_protocol(measured))
    differences = [
        [
            own - before
            for own, before in zip(settings.values(outcome.validation), settings.values(outcome.trunk), strict=True)
        ]
        for outcome in outcomes
        if outcome.trunk is not None
    ]
    if differences:
        trial.set_user_attr(LESS_TRUNK, differences)
        trunks = [means_of_bins(outcome.trunk) for outcome in outcomes if outcome.trunk is not None]
        changes = [
            {protocol: own[protocol] - before[protocol] for protocol in own if protocol in before}
            for own, before in zip(measured, trunks, strict=True)
        ]
        trial.set_user_attr(MEASURED_LESS_TRUNK, _by_protocol(changes))


def _by_protocol(by_seed: Sequence[Mapping[str, float]]) -> dict[str, list[float]]:
    """For each protocol, the figures of all seeds, rounded."""
    return {protocol: [round(figures[protocol], DECIMALS) for figures in by_seed] for protocol in by_seed[0]}
