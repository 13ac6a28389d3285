"""A callback that saves the epoch with the best validation score as best.ckpt."""

from typing import Any

from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import ModelCheckpoint

from lightning_module.evaluation.score import Score
from lightning_module.tracking.run_folder import RunFolder


class BestCheckpoint(ModelCheckpoint):
    """Lightning's ModelCheckpoint with a name of its own, so that a user's own of the same figure can stand beside it.

    Args:
        folder: The run's folder.
        score: The figure that the best epoch is chosen by.
    """

    def __init__(self, folder: RunFolder, score: Score) -> None:
        name = folder.best_checkpoint.stem
        super().__init__(folder.path, name, monitor=score.metric("val"), enable_version_counter=False)

    def on_load_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Takes over the best score of checkpoints that earlier versions wrote, under the name of Lightning's class."""
        states = checkpoint["callbacks"]
        earlier = ModelCheckpoint.__qualname__ + self.state_key.removeprefix(type(self).__qualname__)
        if self.state_key not in states and earlier in states:
            states[self.state_key] = states.pop(earlier)
