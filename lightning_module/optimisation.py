"""The optimiser and the schedule of its learning rate."""

import math
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import torch
from torch.nn import Parameter
from torch.optim.lr_scheduler import OneCycleLR

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
        InputError: If nothing can be trained, the learning rate or its interval is out of range, or "one_cycle" has no
            end.
    """
    if not 0 <= lr < float("inf"):
        raise InputError(f"--model.lr is {lr}: give a number of at least 0.")
    if halving_epochs < 1:
        raise InputError(f"--model.lr_halving_epochs is {halving_epochs}: give at least 1.")
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
    return [optimizer], [{"scheduler": _one_cycle(optimizer, [lr], int(steps), -1), "interval": "step"}]


def relaid_cycle(cycle: OneCycleLR, steps: int) -> OneCycleLR:
    """A one-cycle schedule of another length, at the step that a schedule has reached.

    From there on the learning rates are those of a training that was laid out for the new length from its start.

    Args:
        cycle: The schedule; its optimiser holds the learning rates between which it moves, and gets that of the step.
        steps: The new number of steps, at least the number of those that were taken.
    """
    highest = [group["max_lr"] for group in cycle.optimizer.param_groups]
    return _one_cycle(cycle.optimizer, highest, steps, cycle.last_epoch - 1)  # the constructor makes one step


def _one_cycle(optimizer: torch.optim.Optimizer, highest: Sequence[float], steps: int, last: int) -> OneCycleLR:
    # torch divides by the length of the rise, which would be 0 for ten steps; as in shorter trainings, they have none
    rise = _WARM_UP if _WARM_UP * steps != 1 else math.nextafter(_WARM_UP, 0)
    return OneCycleLR(
        optimizer, list(highest), total_steps=steps, pct_start=rise, cycle_momentum=False, last_epoch=last
    )
