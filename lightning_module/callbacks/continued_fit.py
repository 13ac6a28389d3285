"""A callback for fits that continue from a checkpoint: region weights of a branch, the schedule, and early stops."""

import logging
import math
from collections.abc import Mapping
from typing import Any, cast

from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.callbacks import EarlyStopping
from pytorch_lightning.callbacks.early_stopping import EarlyStoppingReason
from torch.optim.lr_scheduler import OneCycleLR

from datamodules.errors import InputError
from lightning_module.configuration.run_origin import Origin
from lightning_module.data_interface import face_data
from lightning_module.face_module import FaceModule
from lightning_module.optimisation import relaid_cycle

_log = logging.getLogger(__name__)

_PATIENT = (EarlyStoppingReason.NOT_STOPPED, EarlyStoppingReason.PATIENCE_EXHAUSTED)


class ContinuedFit(Callback):
    """Completes what Lightning restores from a checkpoint.

    Args:
        origin: The checkpoint.
    """

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self._has_started = False
        self._patience: dict[str, int] = {}  # of this command's callbacks; a checkpoint restores its own
        self._ended_by: EarlyStopping | None = None

    def on_load_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Says so where another score than before chooses the best epoch: it begins anew then."""
        self._patience = {callback.state_key: callback.patience for callback in _early_stopping(trainer)}
        states = checkpoint.get("callbacks", {}).values()
        before = {state["monitor"] for state in states if isinstance(state, Mapping) and state.get("monitor")}
        own = {monitor for callback in trainer.checkpoint_callbacks if (monitor := getattr(callback, "monitor", None))}
        if self._origin.is_resumed and before and own and not before & own:
            _log.warning(
                "best.ckpt was chosen by %s so far; from here on %s chooses it, among the epochs that follow.",
                *(", ".join(sorted(monitors)) for monitors in (before, own)),
            )

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Recomputes the weight map of a branch, and trains no further where EarlyStopping has ended the training.

        The checkpoint restores the weight map of its own region weights.
        """
        if self._origin.start == "branch_from":
            cast(FaceModule, pl_module).adopt_layout(face_data(trainer).uv_layout)
        for callback in _early_stopping(trainer):
            callback.patience = self._patience.get(callback.state_key, callback.patience)
            is_at_threshold = callback.stopping_reason not in _PATIENT
            if is_at_threshold or callback.wait_count >= callback.patience:
                self._ended_by = callback
                trainer.should_stop = True

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Lays the one-cycle schedule that the checkpoint restores out for the steps of this fit.

        A branch is compared with what it branched from, and must have its schedule.

        Raises:
            InputError: If the schedule of a branch had another length.
        """
        self._has_started = True
        for config in trainer.lr_scheduler_configs:
            cycle = config.scheduler
            if not isinstance(cycle, OneCycleLR):
                continue
            planned, steps = cycle.total_steps, cycle.last_epoch + _steps_left(trainer)
            if steps == planned:
                continue
            if self._origin.start == "branch_from":
                raise InputError(
                    f"{self._origin.checkpoint}: its one-cycle schedule has {planned} steps, and this fit {steps}. "
                    "Leave trainer.max_epochs, data.batch_size and the data as they were, or start a new schedule with "
                    "--init_from."
                )
            config.scheduler = relaid_cycle(cycle, steps)
            if trainer.is_global_zero:
                _log.warning(
                    "The one-cycle schedule had %d steps and now has %d, of which %d are done: the learning rate is %.3g "
                    "from here on, as in a training of that length.",
                    planned,
                    steps,
                    cycle.last_epoch,
                    config.scheduler.get_last_lr()[0],
                )

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Tells of a fit that was complete already, which Lightning leaves without a word."""
        if self._has_started or not trainer.is_global_zero:
            return
        if self._ended_by is not None:
            is_patient = self._ended_by.stopping_reason in _PATIENT
            remedy = "Raise its patience" if is_patient else "Take it out of trainer.callbacks"
            reason = (
                f"was ended by EarlyStopping of {self._ended_by.monitor}, so nothing was trained. {remedy} to go on"
            )
        elif 0 <= trainer.max_steps <= trainer.global_step:
            reason = f"has made all of its {trainer.max_steps} steps, so nothing was trained"
        elif trainer.should_stop:
            reason = "has used up its --trainer.max_time, so nothing was trained. Raise it to go on"
        else:
            reason = f"has trained all of its {trainer.max_epochs} epochs, so nothing was trained"
        _log.warning("%s: %s.", self._origin.checkpoint, reason)


def _early_stopping(trainer: Trainer) -> list[EarlyStopping]:
    return [callback for callback in cast(Any, trainer).callbacks if isinstance(callback, EarlyStopping)]


def _steps_left(trainer: Trainer) -> int:
    """Number of optimiser steps until the end of the fit."""
    loop, limit = cast(Any, trainer.fit_loop), math.inf
    batches, epochs = loop.epoch_loop.batch_progress, loop.epoch_progress.current
    is_within_epoch = epochs.processed < epochs.started and not batches.is_last_batch
    rest = int(trainer.num_training_batches) - batches.current.ready if is_within_epoch else 0
    if trainer.max_epochs is not None and trainer.max_epochs != -1:
        of_epoch = math.ceil(trainer.num_training_batches / trainer.accumulate_grad_batches)
        limit = (trainer.max_epochs - epochs.started) * of_epoch + math.ceil(
            max(rest, 0) / trainer.accumulate_grad_batches
        )
    if trainer.max_steps >= 0:
        limit = min(limit, trainer.max_steps - trainer.global_step)
    return int(limit)
