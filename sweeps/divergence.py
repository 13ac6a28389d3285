"""Trainings that diverge: their trial is pruned and names the seed, and the sweep continues."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import optuna

from datamodules.errors import DivergedError
from sweeps.training import Train, TrainingRequest, TrainingResult

DIVERGED = "diverged"  # attribute of a trial in the database: the seed of the training


def finite_training(trial: optuna.Trial, train: Train, request: TrainingRequest) -> TrainingResult:
    """Runs a training, and prunes its trial if an error of its last validation or of its test is NaN or infinite.

    Pruned and not failed, since a failed job is repeated, and a ratio that diverges would do so again.

    Args:
        trial: The trial.
        train: Trains one ratio.
        request: The training.

    Raises:
        TrialPruned: If the training diverged.
    """
    last = 0.0

    def on_validation(validation: Mapping[str, Mapping[str, float]]) -> bool:
        nonlocal last
        continues = request.on_validation(validation)
        score = request.settings.score
        last = score.value(validation[score.protocol]) if score.protocol in validation else last
        return continues

    try:
        result = train(replace(request, on_validation=on_validation))
    except DivergedError as error:
        raise _diverged(trial, request) from error
    except (ArithmeticError, RuntimeError) as error:
        if np.isfinite(last):
            raise
        raise _diverged(trial, request) from error
    if not np.isfinite(last) or (result.test is not None and not np.isfinite(result.test.errors).all()):
        raise _diverged(trial, request)
    return result


def _diverged(trial: optuna.Trial, request: TrainingRequest) -> optuna.TrialPruned:
    trial.set_user_attr(DIVERGED, request.seed)
    return optuna.TrialPruned(f"training of {request.weights.ratio} diverged (seed {request.seed})")
