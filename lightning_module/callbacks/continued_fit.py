"""A callback for fits that continue from a checkpoint: it applies new region weights and checks the schedule."""

import logging
from collections.abc import Mapping
from typing import Any, cast

from pytorch_lightning import Callback, LightningModule, Trainer
from torch.optim.lr_scheduler import OneCycleLR

from datamodules.errors import InputError
from lightning_module.configuration.run_origin import Origin
from lightning_module.data_interface import face_data
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
        """Recomputes the weight map of a branch, since the checkpoint restores that of its own region weights."""
        if self._origin.start == "branch_from":
            cast(FaceModule, pl_module).adopt_layout(face_data(trainer).uv_layout)

    def on_load_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Says so where another score than before chooses the best epoch: it begins anew then."""
        states = checkpoint.get("callbacks", {}).values()
        before = {state["monitor"] for state in states if isinstance(state, Mapping) and state.get("monitor")}
        own = {monitor for callback in trainer.checkpoint_callbacks if (monitor := getattr(callback, "monitor", None))}
        if self._origin.is_resumed and before and own and not before & own:
            _log.warning(
                "best.ckpt was chosen by %s so far; from here on %s chooses it, among the epochs that follow.",
                *(", ".join(sorted(monitors)) for monitors in (before, own)),
            )

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Refuses a fit that is longer than the one-cycle schedule that the checkpoint restores."""
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
