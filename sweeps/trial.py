"""One trial of the search: the fits of one ratio, on validation data alone."""

from collections.abc import Mapping

import numpy as np
import optuna

from datamodules.errors import InputError
from sweeps.search_space import stored_weights
from sweeps.settings import SweepSettings, objective_value
from sweeps.training import Fit, FitRequest, FitResult

RATIO, WEIGHTS, RUNS, BY_BIN = "ratio", "weights", "runs", "by_bin"
TRAINING_DATA, _TRAINED_ON = "training_data", ("data", "morphable_model")


def run_trial(trial: optuna.Trial, settings: SweepSettings, fit: Fit) -> tuple[float, ...]:
    """Trains the trial's ratio from each seed of the search.

    Returns:
        What is to be made small: the mean over seeds of the best validation, NME in percent.

    Raises:
        TrialPruned: If others were better by then.
        ValueError: If a training came to nothing.
    """
    weights = settings.space.suggest(trial)
    trial.set_user_attr(RATIO, weights.ratio)
    trial.set_user_attr(WEIGHTS, stored_weights(weights))
    seeds = settings.seeds_of_search
    found: list[Mapping[str, float]] = []
    runs: list[str] = []
    for number, seed in enumerate(seeds):
        watched = _Validations(trial if settings.prunes and len(seeds) == 1 else None, settings)
        tags = {"sweep": settings.study, "stage": "search", "trial": str(trial.number)}
        result = fit(FitRequest(settings, weights, seed, tags, False, watched))
        runs.append(result.run)
        _refuse_other_data(trial.study, settings, result)
        found.append(watched.best())
        trial.set_user_attr(RUNS, runs)
        trial.set_user_attr(BY_BIN, _mean_by_bin(found))
        if result.is_cut:
            raise optuna.TrialPruned
        if settings.prunes and len(seeds) > 1:
            # a step is a seed; the Wilcoxon test wants each seed's own figure, the others compare means
            reported = found[-1] if settings.pruner == "wilcoxon" else _mean_by_bin(found)
            trial.report(objective_value(settings.objective, reported)[0], number)
            if number < len(seeds) - 1 and trial.should_prune():
                raise optuna.TrialPruned
    return objective_value(settings.objective, _mean_by_bin(found))


def _refuse_other_data(study: optuna.Study, settings: SweepSettings, result: FitResult) -> None:
    """Trials that were trained on other faces do not compare, and what cannot be tested cannot be confirmed."""
    data = {name: result.data[name] for name in _TRAINED_ON if name in result.data}
    known = study.user_attrs.get(TRAINING_DATA)
    if known is None:
        study.set_user_attr(TRAINING_DATA, data)
    elif known != data:
        raise InputError(
            f"study {settings.study} was begun on other training data or another face model than {settings.config} "
            "names, and trials of both do not compare. Give another --study, or the data it was begun with."
        )
    if settings.confirm_seeds and "test_data" not in result.data:
        raise InputError(
            f"{settings.config}: names no test data, on which ratios could be confirmed. Set data.test_root there, or "
            "--confirm_seeds 0."
        )


class _Validations:
    """Listens to a fit's validations, and ends it where a trial is hopeless.

    Args:
        trial: To report to; None where nothing is pruned by validations.
        settings: The sweep.
    """

    def __init__(self, trial: optuna.Trial | None, settings: SweepSettings) -> None:
        self._trial = trial
        self._settings = settings
        self._seen: list[dict[str, float]] = []

    def __call__(self, by_bin: Mapping[str, float]) -> bool:
        self._seen.append(dict(by_bin))
        if self._trial is None:
            return True
        (value,) = objective_value(self._settings.objective, by_bin)
        self._trial.report(value, len(self._seen))
        return not self._trial.should_prune()

    def best(self) -> dict[str, float]:
        """The epoch whose network a fit keeps: that with the least mean of bins."""
        means = [objective_value("mean", by_bin)[0] for by_bin in self._seen]
        if not means or not np.isfinite(means).any():
            raise ValueError(
                "the fit has no validation with an NME: look at its run, data.val_fraction and "
                "trainer.check_val_every_n_epoch"
            )
        return self._seen[int(np.nanargmin(means))]


def _mean_by_bin(found: list[Mapping[str, float]]) -> dict[str, float]:
    return {name: float(np.mean([by_bin[name] for by_bin in found])) for name in found[0]}
