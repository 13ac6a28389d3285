"""Selects the options of a run that are logged as MLflow parameters, and names them."""

from collections.abc import Mapping
from typing import Any

from datamodules.addresses import masked

# options that do not change a run's figures are not logged
_UNLOGGED_DATA = ("index.cache_dir", "index.verify", "num_workers", "seed")
_LOGGED_TRAINER = (
    "max_epochs",
    "max_steps",
    "precision",
    "accelerator",
    "devices",
    "num_nodes",
    "strategy",
    "deterministic",
    "accumulate_grad_batches",
    "gradient_clip_val",
)
_CLASS, _ARGUMENTS = "class_path", "init_args"


def parameters(options: Mapping[str, Any]) -> dict[str, Any]:
    """The logged parameters of a command.

    The network's class is `network`. Its arguments and those of the module have no prefix, as in `base_channels` and
    `weights.mouth`.

    Args:
        options: The command's options as plain values, link targets included.
    """
    model = {
        name.removeprefix("network."): value
        for name, value in _named_by_class(options["model"]).items()
        if name != "regions"
    }
    data = {
        f"data.{name}": value for name, value in _named_by_class(options["data"]).items() if name not in _UNLOGGED_DATA
    }
    trainer = {f"trainer.{name}": options["trainer"][name] for name in _LOGGED_TRAINER}
    named = {"seed": options["seed_everything"], **model, **data, **trainer}
    return {name: masked(value) if isinstance(value, str) else value for name, value in named.items()}


def flat(options: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested options on one level, with names joined by dots."""
    leaves: dict[str, Any] = {}
    for name, value in options.items():
        leaves |= flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {prefix + name: value}
    return leaves


def _named_by_class(options: Mapping[str, Any]) -> dict[str, Any]:
    """Flat options without class_path and init_args: a class has the name of its option, and its arguments follow."""
    named = {}
    for name, value in flat(options).items():
        name = name.replace(f".{_ARGUMENTS}.", ".").removesuffix(f".{_CLASS}")
        named[name] = tuple(value) if isinstance(value, list) else value
    return named
