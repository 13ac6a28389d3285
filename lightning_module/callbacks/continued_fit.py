"""A callback for fits that continue from a checkpoint: new region weights apply, and the schedule must still fit."""

import logging
from typing import cast

from pytorch_lightning import Callback, LightningModule, Trainer
from torch.optim.lr_scheduler import OneCycleLR

from datamodules.errors import InputError
from lightning_module.configuration.run_origin import Origin
from lightning_module.face_data import face_data
from lightning_module.face_module import FaceModule

_log = logging.getLogger(__name__)


class ContinuedFit(Callback):
    """Completes what Lightning restores from a checkpoint.

    Args:
        origin: The checkpoint.
    """

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self._has_started = False

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Makes the weight map anew in a branch: the checkpoint has restored that of its own region weights."""
        if self._origin.start == "branch_from":
            cast(FaceModule, pl_module).adopt_layout(face_data(trainer).uv_layout)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Refuses a fit that is longer than its one-cycle schedule, which a checkpoint restores with its end."""
        self._has_started = True
        for config in trainer.lr_scheduler_configs:
            if not isinstance(config.scheduler, OneCycleLR):
                continue
            planned, steps = config.scheduler.total_steps, trainer.estimated_stepping_batches
            if steps > planned or (self._origin.start == "branch_from" and steps != planned):
                raise InputError(
                    f"{self._origin.checkpoint}: its one-cycle schedule has {planned} steps, and this fit {steps:g}. "
                    "Leave trainer.max_epochs, data.batch_size and the data as they were, or start a new schedule with "
                    "--init_from."
                )

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Tells of a fit that was complete already, which Lightning leaves without a word."""
        if not self._has_started and trainer.is_global_zero:
            _log.warning(
                "%s: has trained all of its %s epochs, so nothing was trained.",
                self._origin.checkpoint,
                trainer.max_epochs,
            )
