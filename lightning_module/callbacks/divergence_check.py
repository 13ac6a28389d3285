"""A callback that ends a fit that has diverged, before its figures and weights replace those of earlier epochs."""

from typing import Any, cast

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor

from datamodules.errors import DivergedError
from lightning_module.checkpoint import non_finite_tensor
from lightning_module.face_module import FaceModule


class DivergenceCheck(Callback):
    """Ends a fit at the first epoch whose loss or weights are not finite.

    It must come before the callbacks that save checkpoints, so that these hold finite weights only. Figures of a
    validation that are not finite end the fit as well; the module looks at them.

    Raises:
        DivergedError: If the loss of an epoch or a weight is not finite.
    """

    def __init__(self) -> None:
        self._is_finite: Tensor | None = None  # on the device, so that no batch waits for it

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Forgets the losses of the last epoch."""
        self._is_finite = None

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Looks at the loss of a batch."""
        if not outputs:
            return
        is_finite = torch.isfinite(outputs["loss"]).all()
        self._is_finite = is_finite if self._is_finite is None else self._is_finite & is_finite

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Ends a diverged fit before its network is validated."""
        if trainer.state.fn == "fit" and not trainer.sanity_checking:
            self._refuse(trainer, pl_module)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Ends a diverged fit before the epoch is saved."""
        self._refuse(trainer, pl_module)

    def _refuse(self, trainer: Trainer, pl_module: LightningModule) -> None:
        has_finite_loss = self._is_finite is None or bool(self._is_finite)
        name = non_finite_tensor(cast(FaceModule, pl_module).network)
        # all processes end together, though the losses of their batches differ
        if trainer.strategy.reduce_boolean_decision(has_finite_loss and name is None, all=True):
            return
        epoch = trainer.current_epoch + 1
        if has_finite_loss and name:
            raise DivergedError(f"after epoch {epoch}, the weights {name} are not finite.")
        raise DivergedError(f"the loss of epoch {epoch} is not finite.")
