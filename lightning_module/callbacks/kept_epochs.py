"""A callback that keeps the checkpoints of chosen epochs, which other runs can branch from."""

from collections.abc import Collection

from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import Checkpoint

from lightning_module.tracking.run_folder import RunFolder


class KeptEpochs(Checkpoint):
    """Writes epoch_<n>.ckpt at the end of each chosen epoch.

    Lightning's ModelCheckpoint saves at regular intervals only, and chooses by a figure which files it keeps.

    Args:
        folder: The run's folder.
        epochs: The chosen epochs, counted from 1.
    """

    def __init__(self, folder: RunFolder, epochs: Collection[int]) -> None:
        self._folder = folder
        self._epochs = frozenset(epochs)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Saves a chosen epoch, unless it is stopped before its last batch.

        The file is in place before the last.ckpt of the same epoch, so that a killed run that continues from there does
        not lack it.
        """
        epoch = trainer.current_epoch + 1
        is_complete = trainer.fit_loop.epoch_loop.batch_progress.is_last_batch
        if epoch not in self._epochs or not is_complete:
            return
        path = self._folder.epoch_checkpoint(epoch)
        partial = path.with_suffix(".partial")
        trainer.save_checkpoint(partial)
        if trainer.is_global_zero:
            partial.replace(path)
