"""A callback that averages the weights of a network over its training; the averages are validated, tested and kept.

It is Lightning's callback for an exponential moving average (Polyak and Juditsky, "Acceleration of stochastic
approximation by averaging", SIAM J. Control Optim. 1992), with three differences. Lightning 2.6 averages integers too,
and truncates them, which moves landmarks by a texel; it restores the weights without averaging when a test reads a
checkpoint after a fit; and the last checkpoint of its fits has lost them, so that no training could go on from it.
"""

from typing import Any

from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import WeightAveraging
from torch import Tensor

from datamodules.errors import InputError


class AveragedWeights(WeightAveraging):
    """Keeps an exponential moving average of the weights, updated after every step.

    A checkpoint holds the averages as its network, and the weights that training goes on with beside them.

    Args:
        decay: Share of the average that stays at each step; 0.999 averages over about the last 1000 steps.

    Raises:
        InputError: If the decay is not between 0 and 1.
    """

    def __init__(self, decay: float = 0.999) -> None:
        if not 0 < decay < 1:
            raise InputError(f"decay of AveragedWeights is {decay}: give a number between 0 and 1, such as 0.999.")

        def average(averaged: Tensor, current: Tensor, _: Tensor | int) -> Tensor:
            # interpolation leaves what does not change, such as the mean map, as it is to the last bit
            return averaged.lerp(current, 1 - decay) if averaged.is_floating_point() else current

        super().__init__(avg_fn=average)

    @property
    def _has_averages(self) -> bool:
        """Whether a step was made; until then, Lightning's copy of the module lacks the layout of the data."""
        return self._latest_update_step > 0

    def on_validation_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Puts the averages into the network, to validate them."""
        if self._has_averages:
            super().on_validation_epoch_start(trainer, pl_module)

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Puts the weights that training goes on with back."""
        if self._has_averages:
            super().on_validation_epoch_end(trainer, pl_module)

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Makes the averages the network of the checkpoint, and adds the weights that training goes on with."""
        if self._has_averages:
            super().on_save_checkpoint(trainer, pl_module, checkpoint)

    def on_load_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Goes on with weights and averages of a fit that had them; otherwise the averages begin with the first step."""
        if trainer.state.fn == "fit" and "averaging_state" in checkpoint:
            super().on_load_checkpoint(trainer, pl_module, checkpoint)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Takes over the number of steps, where a fit goes on."""
        if self._average_model is not None:
            super().load_state_dict(state_dict)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Leaves the weights as they are, since other callbacks save them now."""

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Gives the module the averages, which end the fit."""
        if self._has_averages:
            super().on_train_end(trainer, pl_module)
