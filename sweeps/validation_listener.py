"""A Lightning callback that hands each validation of a training to its trial, which may end the training there."""

from collections.abc import Callable, Mapping
from typing import cast

from pytorch_lightning import Callback, LightningModule, Trainer

from lightning_module.face_module import FaceModule
from lightning_module.tracking.tracker import Tracker


class ValidationListener(Callback):
    """Passes on what each validation measured, and ends the training if it is told to.

    Args:
        on_validation: Takes the mean error by yaw bin, in percent, by protocol; says whether to go on.

    Attributes:
        has_ended: Whether the training was ended before its last epoch.
    """

    def __init__(self, on_validation: Callable[[Mapping[str, Mapping[str, float]]], bool]) -> None:
        self._on_validation = on_validation
        self.has_ended = False

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Passes the figures on."""
        if trainer.state.fn != "fit" or trainer.sanity_checking:
            return
        reports = cast(FaceModule, pl_module).reports["val"]
        goes_on = self._on_validation({protocol: report.by_bin for protocol, report in reports.items()})
        is_last = trainer.current_epoch + 1 == trainer.max_epochs
        if goes_on or is_last:
            return
        self.has_ended = trainer.should_stop = True
        if isinstance(trainer.logger, Tracker):
            trainer.logger.log_tags({"ended_by": "pruned: other trials were better by then"})
