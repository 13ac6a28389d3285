"""The optimiser, and how its learning rate changes."""

from collections.abc import Iterable
from typing import Any, Literal

import torch
from torch.nn import Parameter

from datamodules.errors import InputError

LrSchedule = Literal["halving", "one_cycle"]

_WARM_UP = 0.1  # of a one-cycle schedule


def adam_with_schedule(
    parameters: Iterable[Parameter], lr: float, schedule: LrSchedule, halving_epochs: int, steps: float, is_fused: bool
) -> tuple[list[Any], list[Any]]:
    """Adam and its schedule, as Lightning takes them.

    Args:
        parameters: What is trained.
        lr: Learning rate; with "one_cycle", the highest.
        schedule: "halving" every so many epochs, or "one_cycle": up, and down to nothing at the end.
        halving_epochs: Epochs after which "halving" halves, again and again.
        steps: Of the whole training; infinite where it has no end.
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
            "--model.lr_schedule one_cycle has to know its end: set --trainer.max_epochs or --trainer.max_steps."
        )
    cycle = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, lr, total_steps=int(steps), pct_start=_WARM_UP, cycle_momentum=False
    )
    return [optimizer], [{"scheduler": cycle, "interval": "step"}]
