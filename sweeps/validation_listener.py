"""A Lightning callback that passes each validation of a training to its trial, which may end it, and counts epochs."""

from collections.abc import Callable, Mapping
from typing import cast

from pytorch_lightning import Callback, LightningModule, Trainer

from lightning_module.face_module import FaceModule
from lightning_module.tracking.tracker import Tracker


class ValidationListener(Callback):
    """Passes the figures of each validation to a function, which decides whether the training continues.

    Args:
        on_validation: Called with, for each protocol, the mean error by yaw bin in percent; returns whether the
            training continues.

    Attributes:
        has_ended: Whether the training was ended before its last epoch.
        epochs: Number of epochs that were trained.
    """

    def __init__(self, on_validation: Callable[[Mapping[str, Mapping[str, float]]], bool]) -> None:
        self._on_validation = on_validation
        self.has_ended = False
        self.epochs = 0

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Counts the epoch."""
        self.epochs += 1

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Passes the figures to the function."""
        if trainer.state.fn != "fit" or trainer.sanity_checking:
            return
        reports = cast(FaceModule, pl_module).reports["val"]
        continues = self._on_validation({protocol: report.by_bin for protocol, report in reports.items()})
        is_last = trainer.current_epoch + 1 == trainer.max_epochs
        if continues or is_last:
            return
        self.has_ended = trainer.should_stop = True
        if isinstance(trainer.logger, Tracker):
            trainer.logger.log_tags({"ended_by": "pruned: other trials were better at this step"})
