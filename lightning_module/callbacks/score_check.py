"""A callback that ends a fit whose validation does not measure its score, and tells of one without any validation."""

import logging
from typing import cast

from pytorch_lightning import Callback, LightningModule, Trainer

from datamodules.errors import DivergedError, InputError
from lightning_module.evaluation.protocols import LANDMARKS_2D
from lightning_module.evaluation.score import Score
from lightning_module.face_module import FaceModule

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
        """Checks that a complete validation has measured the score, and that it is finite."""
        metric = self._score.metric("val")
        if trainer.state.fn != "fit" or trainer.sanity_checking:
            return
        self._has_validated = True
        if metric in trainer.callback_metrics and trainer.callback_metrics[metric].isfinite():
            return
        landmarks = cast(FaceModule, pl_module).reports["val"][LANDMARKS_2D.name]
        if metric in trainer.callback_metrics or not landmarks.per_face.isfinite().all():
            raise DivergedError(
                "the network's position maps of some validation faces hold numbers that are not finite. Training has "
                "diverged: lower --model.lr, or look for a division by zero in --model.network."
            )
        raise InputError(
            f"--score {self._score}: the validation has no {metric}: no face lies in that yaw bin, or the maps are of "
            "another face model. Give another score, such as nme:mean, or other validation faces (--data.val_fraction)."
        )

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Tells of a new fit that was too short for a validation: it has no best epoch."""
        if not self._has_validated and trainer.ckpt_path is None and trainer.is_global_zero:
            _log.warning(
                "No epoch was validated, so there is a last.ckpt and no best.ckpt. Set "
                "--trainer.check_val_every_n_epoch, which is %s, to 1.",
                trainer.check_val_every_n_epoch,
            )
