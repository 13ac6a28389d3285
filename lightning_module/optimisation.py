"""The optimiser and the schedule of its learning rate."""

from collections.abc import Iterable
from typing import Any, Literal

import torch
from torch.nn import Parameter

from datamodules.errors import InputError

LrSchedule = Literal["halving", "one_cycle"]

_WARM_UP = 0.1  # fraction of a one-cycle schedule


def adam_with_schedule(
    parameters: Iterable[Parameter], lr: float, schedule: LrSchedule, halving_epochs: int, steps: float, is_fused: bool
) -> tuple[list[Any], list[Any]]:
    """Adam and its schedule, in the form of Lightning's configure_optimizers.

    Args:
        parameters: Parameters to train.
        lr: Learning rate; with "one_cycle", the highest.
        schedule: "halving" at regular intervals, or "one_cycle": a rise, and a decay to nearly 0.
        halving_epochs: Interval of "halving" in epochs.
        steps: Number of steps of the whole training; infinite if it has no end.
        is_fused: Whether the device has the fused kernel.

    Raises:
        InputError: If nothing can be trained, or "one_cycle" has no end.
    """
    parameters = list(parameters)
    if not any(parameter.requires_grad for parameter in parameters):
        raise InputError("--model.network: has no trainable parameter. Is everything frozen?")
    optimizer = torch.optim.Adam(parameters, lr, fused=is_fused)
    if schedule == "halving":
        return [optimizer], [torch.optim.lr_scheduler.StepLR(optimizer, halving_epochs, gamma=0.5)]
    if steps == float("inf"):
        raise InputError(
            "--model.lr_schedule one_cycle needs the length of the training: set --trainer.max_epochs or --trainer.max_steps."
        )
    cycle = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, lr, total_steps=int(steps), pct_start=_WARM_UP, cycle_momentum=False
    )
    return [optimizer], [{"scheduler": cycle, "interval": "step"}]
