"""A callback that saves the newest complete epoch as last.ckpt, from which a killed fit can be resumed."""

import time

from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import Checkpoint

from lightning_module.tracking.run_folder import RunFolder


class LastCheckpoint(Checkpoint):
    """Writes last.ckpt at the end of an epoch.

    Args:
        folder: The run's folder.
        seconds: Minimum time between two writes; the last epoch is always written.
    """

    def __init__(self, folder: RunFolder, seconds: float) -> None:
        self._path = folder.last_checkpoint
        self._partial = self._path.with_suffix(".partial")
        self._seconds = seconds
        self._saved_at = time.monotonic()
        self._is_kept = True

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Saves the epoch, unless the last save was a moment ago."""
        is_due = trainer.strategy.broadcast(time.monotonic() - self._saved_at >= self._seconds)
        if is_due:
            self._save(trainer)

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Puts the saved checkpoint of the previous epoch into place.

        The figures of an epoch are logged after it is saved. Replacing last.ckpt at once would lose them if the process
        were killed in between.
        """
        self._keep(trainer)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Saves the last epoch and puts it into place."""
        self._save(trainer)
        self._keep(trainer)

    def _save(self, trainer: Trainer) -> None:
        trainer.save_checkpoint(self._partial)
        self._saved_at = time.monotonic()
        self._is_kept = False

    def _keep(self, trainer: Trainer) -> None:
        if not self._is_kept and trainer.is_global_zero:
            self._partial.replace(self._path)
        self._is_kept = True
