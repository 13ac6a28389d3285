"""Callbacks for the terminal output of a fit: a summary of the network, and a progress bar or one line per epoch."""

import sys
import time
from collections.abc import Sequence
from typing import Any, cast

from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.callbacks import ModelSummary, ProgressBar, RichProgressBar
from rich.console import Console

from lightning_module.evaluation.protocols import LANDMARKS_2D
from lightning_module.face_module import FaceModule


class NetworkSummary(Callback):
    """Prints the size of the network, in place of Lightning's table, whose FLOPs are always 0."""

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Prints a line."""
        network = cast(FaceModule, pl_module).network
        parameters = list(network.parameters())
        count = sum(parameter.numel() for parameter in parameters)
        trained = sum(parameter.numel() for parameter in parameters if parameter.requires_grad)
        megabytes = sum(parameter.numel() * parameter.element_size() for parameter in parameters) / 1e6
        if trainer.is_global_zero:
            _print(f"{type(network).__name__}: {trained:,} of {count:,} parameters are trained ({megabytes:.1f} MB)")


class FitProgressBar(RichProgressBar):
    """Lightning's progress bar, without the last characters of the run's name.

    It ends with its stage, so that tables of the stage's figures, which other callbacks print, stand below it.
    """

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Ends the bar."""
        self.teardown(trainer, pl_module, "fit")

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Ends the bar, except for a validation during training."""
        super().on_validation_end(trainer, pl_module)
        if trainer.state.fn != "fit":
            self.teardown(trainer, pl_module, "validate")

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Ends the bar."""
        super().on_test_end(trainer, pl_module)
        self.teardown(trainer, pl_module, "test")

    def get_metrics(self, trainer: Trainer, pl_module: LightningModule) -> Any:
        """The figures at the end of the bar."""
        return {name: value for name, value in super().get_metrics(trainer, pl_module).items() if name != "v_num"}


class EpochLines(Callback):
    """Prints one line per epoch if the output is not a terminal: the loss, the validation NME and the time left."""

    def __init__(self) -> None:
        self._started_at = 0.0
        self._epochs = 0
        self._has_validated = False

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Starts the clock."""
        self._started_at = time.monotonic()

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Remembers that this epoch has new validation figures."""
        self._has_validated = not trainer.sanity_checking

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Prints the line."""
        self._epochs += 1
        loss = trainer.callback_metrics["train/loss"]  # read on every process, since it is gathered from all
        parts = [f"loss {float(loss):.4g}"]
        reports = cast(FaceModule, pl_module).reports
        if self._has_validated and "val" in reports:
            parts.append(f"validation NME {reports['val'][LANDMARKS_2D.name].mean_of_bins:.2f} %")
        self._has_validated = False
        epoch, last = trainer.current_epoch + 1, trainer.max_epochs or 0
        if last > 0:
            seconds = (time.monotonic() - self._started_at) / self._epochs * (last - epoch)
            parts.append(f"{_duration(seconds)} left")
        if trainer.is_global_zero:
            _print(f"epoch {epoch}{f' of {last}' if last > 0 else ''}: {', '.join(parts)}")


def terminal_callbacks(chosen: Sequence[Callback], has_progress_bar: bool, has_summary: bool) -> list[Callback]:
    """The callbacks that show a fit in the terminal, in place of Lightning's own.

    Args:
        chosen: Callbacks of the user's configuration, which take precedence.
        has_progress_bar: Whether progress is shown.
        has_summary: Whether the network is summarised.
    """
    callbacks: list[Callback] = []
    if has_summary and not any(isinstance(callback, ModelSummary) for callback in chosen):
        callbacks.append(NetworkSummary())
    if has_progress_bar and not any(isinstance(callback, ProgressBar) for callback in chosen):
        callbacks.append(FitProgressBar() if sys.stdout.isatty() else EpochLines())
    return callbacks


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _print(text: str) -> None:
    Console().print(text, soft_wrap=True, highlight=False, markup=False)
