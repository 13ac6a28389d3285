"""One trial of the search: trains a ratio from each seed, and scores it on validation faces only."""

from collections.abc import Mapping, Sequence

import numpy as np
import optuna

from datamodules.errors import InputError
from sweeps.divergence import finite_training
from sweeps.search_space import stored_weights
from sweeps.settings import SweepSettings
from sweeps.training import Train, TrainingRequest, TrainingResult

# Attributes of a trial in the database. BY_BIN refers to the protocol of the first score.
RATIO, WEIGHTS, RUNS, BY_BIN = "ratio", "weights", "runs", "by_bin"
TRAINING_DATA = "training_data"  # attribute of a study
_TRAINED_ON = ("data", "morphable_model")

Validation = Mapping[str, Mapping[str, float]]  # for each protocol, the mean error by yaw bin


def run_trial(trial: optuna.Trial, settings: SweepSettings, train: Train) -> tuple[float, ...]:
    """Trains the trial's ratio from each seed of the search.

    Returns:
        Each score of the sweep, in percent, of the best validations averaged over seeds.

    Raises:
        TrialPruned: If the trial is pruned, or a training diverged.
        ValueError: If a training has no validation.
    """
    weights = settings.space.suggest(trial, settings.regions)
    trial.set_user_attr(RATIO, weights.ratio)
    trial.set_user_attr(WEIGHTS, stored_weights(weights))
    seeds = settings.seeds_of_search
    best: list[Validation] = []
    runs: list[str] = []
    for number, seed in enumerate(seeds):
        validations = _Validations(trial if settings.prunes and len(seeds) == 1 else None, settings)
        tags = {"sweep": settings.study, "stage": "search", "trial": str(trial.number)}
        result = finite_training(trial, train, TrainingRequest(settings, weights, seed, tags, False, validations))
        runs.append(result.run)
        _refuse_other_data(trial.study, settings, result)
        best.append(validations.best())
        mean = _mean_over_seeds(best)
        trial.set_user_attr(RUNS, runs)
        trial.set_user_attr(BY_BIN, mean[settings.score.protocol])
        if result.is_pruned:
            raise optuna.TrialPruned
        if settings.prunes and len(seeds) > 1:
            # a step is a seed; the Wilcoxon test needs the figure of each seed, the median pruner compares means
            reported = best[-1] if settings.pruner == "wilcoxon" else mean
            trial.report(settings.values(reported)[0], number)
            if number < len(seeds) - 1 and trial.should_prune():
                raise optuna.TrialPruned
    return settings.values(_mean_over_seeds(best))


def _refuse_other_data(study: optuna.Study, settings: SweepSettings, result: TrainingResult) -> None:
    """Refuses trials with other training data, which are not comparable, and a confirmation without test data."""
    data = {name: result.fingerprints[name] for name in _TRAINED_ON if name in result.fingerprints}
    first_data = study.user_attrs.get(TRAINING_DATA)
    if first_data is None:
        study.set_user_attr(TRAINING_DATA, data)
    elif first_data != data:
        raise InputError(
            f"study {settings.study} was started with other training data or another face model than those of "
            f"{settings.config}, so its trials are not comparable. Give another --study, or the original data."
        )
    if settings.confirm_seeds and "test_data" not in result.fingerprints:
        raise InputError(
            f"{settings.config}: sets no test data, which the confirmation needs. Set data.test.root there, or "
            "--confirm_seeds 0."
        )


class _Validations:
    """Collects the validations of one training, and decides after each whether it continues.

    Args:
        trial: The trial to report to; None if it is not pruned by validations.
        settings: The sweep.
    """

    def __init__(self, trial: optuna.Trial | None, settings: SweepSettings) -> None:
        self._trial = trial
        self._settings = settings
        self._seen: list[Validation] = []

    def __call__(self, validation: Validation) -> bool:
        if not self._seen:
            for score in self._settings.scores:
                score.require(validation)
        self._seen.append({score.protocol: dict(validation[score.protocol]) for score in self._settings.scores})
        if self._trial is None:
            return True
        (value,) = self._settings.values(validation)
        self._trial.report(value, len(self._seen))
        return not self._trial.should_prune()

    def best(self) -> Validation:
        """The validation with the lowest first score, whose epoch is the best checkpoint."""
        values = [self._settings.values(validation)[0] for validation in self._seen]
        if not values or not np.isfinite(values).any():
            raise ValueError(
                "the fit has no validation with an NME: look at its run, data.val_fraction and "
                "trainer.check_val_every_n_epoch"
            )
        return self._seen[int(np.nanargmin(values))]


def _mean_over_seeds(validations: Sequence[Validation]) -> Validation:
    first = validations[0]
    return {
        protocol: {
            name: float(np.mean([validation[protocol][name] for validation in validations])) for name in first[protocol]
        }
        for protocol in first
    }
