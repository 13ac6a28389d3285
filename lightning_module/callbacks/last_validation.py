"""A callback that validates the last network of a fit, whatever the interval between validations."""

from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer


class LastValidation(Callback):
    """Makes Lightning validate after the last batch of a fit, so that its last network can be the best one.

    The last batch is that of the last epoch, of the last of --trainer.max_steps, or of a stop that another callback asks
    for, such as that of --trainer.max_time. It must be the last callback, since others may ask for a stop after a batch.
    """

    def __init__(self) -> None:
        self._interval: int | None = None

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Remembers the interval of the configuration."""
        self._interval = trainer.check_val_every_n_epoch

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Asks for a validation after the last batch; Lightning decides right after this hook whether there is one."""
        is_end_of_epoch = trainer.fit_loop.epoch_loop.batch_progress.is_last_batch
        is_last_epoch = trainer.current_epoch + 1 == trainer.max_epochs
        is_last = (
            (is_end_of_epoch and is_last_epoch) or 0 <= trainer.max_steps <= trainer.global_step or trainer.should_stop
        )
        trainer.check_val_every_n_epoch = 1 if is_last and self._interval is not None else self._interval
        if is_last and not (is_end_of_epoch and trainer.val_check_interval == 1.0):
            trainer.should_stop = True  # which makes Lightning validate at once
