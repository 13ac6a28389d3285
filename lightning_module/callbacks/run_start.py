"""A callback that begins the record of a run once its command really trains or evaluates."""

from collections.abc import Callable

from pytorch_lightning import Callback, LightningModule, Trainer


class RunStart(Callback):
    """Begins a run when everything is set up, so that a command that cannot start leaves none, and changes none.

    Args:
        begin: Begins the record; called with whether a training starts, and possibly more than once.
    """

    def __init__(self, begin: Callable[[bool], None]) -> None:
        self._begin = begin

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begins the run of a fit, after its checkpoint is restored and its network checked."""
        self._begin(True)

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begins the run of a validation; one within a fit belongs to its training."""
        if trainer.state.fn == "validate":
            self._begin(False)

    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begins the run of a test, also of the test of a fit that had nothing left to train."""
        self._begin(False)
