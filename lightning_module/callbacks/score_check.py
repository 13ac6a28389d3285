"""A callback that ends a fit whose validation does not measure its score, and tells of one without any validation."""

import logging

import torch
from pytorch_lightning import Callback, LightningModule, Trainer

from datamodules.errors import InputError
from lightning_module.evaluation.score import Score

_log = logging.getLogger(__name__)


class ScoreCheck(Callback):
    """Refuses a score that the validation faces cannot have, such as that of a yaw bin without faces.

    Args:
        score: The score that the best checkpoint is chosen by.
    """

    def __init__(self, score: Score) -> None:
        self._score = score
        self._has_validated = False

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Checks that a complete validation has measured the score."""
        metric = self._score.metric("val")
        if trainer.state.fn != "fit" or trainer.sanity_checking:
            return
        self._has_validated = True
        if trainer.callback_metrics.get(metric, torch.tensor(torch.nan)).isfinite():
            return
        raise InputError(
            f"--score {self._score}: the validation has no {metric}: no face lies in that yaw bin, or the maps are of "
            "another face model. Give another score, such as nme:mean, or other validation faces (--data.val_fraction)."
        )

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Tells of a new fit without a validation: it has no best epoch."""
        if not self._has_validated and trainer.ckpt_path is None and trainer.is_global_zero:
            _log.warning(
                "No epoch was validated, so there is a last.ckpt and no best.ckpt. Set --trainer.limit_val_batches, which "
                "is %s, to 1.0.",
                trainer.limit_val_batches,
            )
