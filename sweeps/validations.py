"""The validations of one training of a sweep."""

from collections.abc import Mapping, Sequence

import numpy as np
import optuna

from lightning_module.evaluation.score import Score
from sweeps.settings import SweepSettings

Validation = Mapping[str, Mapping[str, float]]  # for each protocol, the mean error by yaw bin


class Validations:
    """Collects the validations of one training, and decides after each whether it continues.

    Args:
        settings: The sweep.
        trial: The trial to report to; None if it is not pruned by validations.
    """

    def __init__(self, settings: SweepSettings, trial: optuna.Trial | None = None) -> None:
        self._trial = trial
        self._settings = settings
        self._seen: list[Validation] = []

    def __call__(self, validation: Validation) -> bool:
        """Adds a validation, and returns whether the training continues."""
        if not self._seen:
            for score in self._settings.scores:
                score.require(validation)
        self._seen.append({protocol: dict(by_bin) for protocol, by_bin in validation.items()})
        if self._trial is None:
            return True
        (value,) = self._settings.values(validation)
        self._trial.report(value, len(self._seen))
        return not self._trial.should_prune()

    def best(self) -> Validation:
        """The validation with the lowest first score, whose epoch is the best checkpoint.

        Raises:
            ValueError: If there is none.
        """
        values = [self._settings.values(validation)[0] for validation in self._seen]
        if not values or not np.isfinite(values).any():
            raise _no_validation("no validation")
        return self._seen[int(np.nanargmin(values))]

    def last(self) -> Validation:
        """The last validation, at the same step for all trainings of one configuration.

        Raises:
            ValueError: If there is none, or the training diverged before it.
        """
        if not self._seen or not np.isfinite(self._settings.values(self._seen[-1])).all():
            raise _no_validation("no last validation")
        return self._seen[-1]


def mean_validation(validations: Sequence[Validation]) -> Validation:
    """The mean of the validations of several trainings, bin by bin."""
    first = validations[0]
    return {
        protocol: {
            name: float(np.mean([validation[protocol][name] for validation in validations])) for name in first[protocol]
        }
        for protocol in first
    }


def means_of_bins(validation: Validation) -> dict[str, float]:
    """The mean of the yaw bins of each protocol of a validation, in percent."""
    return {protocol: Score(protocol, "mean").value(by_bin) for protocol, by_bin in validation.items()}


def _no_validation(what: str) -> ValueError:
    return ValueError(
        f"the fit has {what} with an NME: look at its run, data.val_fraction and trainer.check_val_every_n_epoch"
    )
