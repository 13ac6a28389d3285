"""A callback that ends a fit whose validation does not measure its score, before its first checkpoint is chosen."""

from typing import cast

from pytorch_lightning import Callback, LightningModule, Trainer

from datamodules.errors import InputError
from lightning_module.evaluation.protocols import LANDMARKS_2D
from lightning_module.evaluation.score import Score
from lightning_module.face_module import FaceModule


class ScoreCheck(Callback):
    """Refuses a score that the validation faces do not have, such as that of a yaw bin without faces.

    Args:
        score: What chooses the best checkpoint.
    """

    def __init__(self, score: Score) -> None:
        self._score = score

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Looks for the score among the figures of a complete validation."""
        metric = self._score.metric("val")
        if trainer.state.fn != "fit" or trainer.sanity_checking or metric in trainer.callback_metrics:
            return
        landmarks = cast(FaceModule, pl_module).reports["val"][LANDMARKS_2D.name]
        if landmarks.per_face.isnan().any():
            raise InputError(
                "the network's position maps of some validation faces hold numbers that are not finite. Training has "
                "diverged: lower --model.lr, or look for a division by zero in --model.network."
            )
        raise InputError(
            f"--score {self._score}: the validation has no {metric}: no face lies in that yaw bin, or the maps are of "
            "another face model. Give another score, such as nme:mean, or other validation faces (--data.val_fraction)."
        )
