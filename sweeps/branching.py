"""Branched trials: the epoch and the ratio of the trainings that trials branch from."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from datamodules.errors import InputError
from sweeps.search_space import held_region

if TYPE_CHECKING:  # imported in the functions, to keep the help of the command fast
    from datamodules.geometry.regions import RegionTable
    from lightning_module.region_weights import RegionWeights

Strategy = Literal["full", "branched"]

_TOLERANCE = 0.02  # epochs, so that 0.33 of three epochs is one
_MOST_NAMED = 12  # shares in a message
_LIMITS = ("max_steps", "max_time")  # options of the trainer, beside its number of epochs


def training_length(config: Path) -> int:
    """The length in epochs of the training that a configuration describes.

    Raises:
        InputError: If its length is not a number of epochs.
    """
    options = _options(config)
    epochs = options.get("trainer.max_epochs")
    limits = [name for name in _LIMITS if options.get(f"trainer.{name}") not in (None, -1)]
    if limits or not isinstance(epochs, int) or epochs < 1:
        raise InputError(
            f"{config}: --strategy branched needs the length of a training in epochs. Set trainer.max_epochs there, and "
            f"{limits[0] if limits else 'max_steps'} not at all, or give --strategy full."
        )
    return epochs


def branching_epoch(config: Path, share: float) -> int:
    """The epoch, counted from 1, at whose end trials branch.

    Args:
        config: Configuration of the training.
        share: Share of its length, `--branch_at`.

    Raises:
        InputError: If no epoch ends there, or no validation follows it.
    """
    epochs = training_length(config)
    epoch = round(share * epochs) if 0 < share < 1 else 0
    if not 0 < epoch < epochs or abs(share * epochs - epoch) > _TOLERANCE:
        raise InputError(
            f"--branch_at is {share:g}, where no epoch of {config} ends: a training has {epochs}. {_remedy(share, epochs)}"
        )
    interval = _options(config).get("trainer.check_val_every_n_epoch", 1)
    if isinstance(interval, int) and interval > 0 and epochs // interval * interval <= epoch:
        raise InputError(
            f"--branch_at is {share:g}, after which {config} does not validate: it has {epochs} epochs and validates "
            f"every {interval}. Set trainer.check_val_every_n_epoch to 1, or give a lower share."
        )
    return epoch


def weights_of_ratio(regions: "RegionTable", ratio: str) -> "RegionWeights":
    """The region weights of a ratio, scaled so that the region that every trial keeps has its fixed weight.

    Args:
        regions: The table of regions.
        ratio: A number for each of them, such as "16:5:4:3:0"; `--trunk_ratio`.

    Raises:
        InputError: If it is no ratio of these regions.
    """
    from lightning_module.region_weights import RegionWeights

    names, held = [region.name for region in regions], held_region(regions)
    try:
        values = [float(number) for number in ratio.split(":")]
        by_name: Mapping[str, float] = dict(zip(names, values, strict=True))
        if min(values) < 0 or not 0 < by_name[held.name] < float("inf"):
            raise ValueError
    except ValueError as error:
        raise InputError(
            f"--trunk_ratio {ratio}: give a number of at least 0 for each of {', '.join(names)}, as in 16:5:4:3:0, and for "
            f"{held.name} one above 0."
        ) from error
    factor = held.weight / by_name[held.name]
    return RegionWeights.of(regions, {name: value * factor for name, value in by_name.items()})


def _options(config: Path) -> dict[str, Any]:
    from sweeps.trial_config import read_trial_config

    return read_trial_config(config)


def _remedy(share: float, epochs: int) -> str:
    if epochs == 1:
        return "Give a configuration of at least 2 epochs, or --strategy full."
    numbers: Any = range(1, epochs)
    if epochs > _MOST_NAMED:
        numbers = sorted(sorted(numbers, key=lambda number: abs(number - share * epochs))[:2])
    return f"Give one of {', '.join(f'{number / epochs:.4g}' for number in numbers)}, or --strategy full."
