"""What a run's options are called in MLflow: what a reader compares, under one name each."""

from typing import Any

from jsonargparse import Namespace

# what does not change a run's figures is left out of its parameters
_UNLOGGED_DATA = ("cache_dir", "num_workers", "seed", "verify")
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


def parameters(options: Namespace) -> dict[str, Any]:
    """Of a command's options."""
    data = {f"data.{name}": value for name, value in flat(options.data.as_dict()).items() if name not in _UNLOGGED_DATA}
    trainer = {f"trainer.{name}": options.trainer[name] for name in _LOGGED_TRAINER}
    model = {_short(name): value for name, value in flat(options.model.as_dict()).items()}
    return {"seed": options.seed_everything, **model, **data, **trainer}


def _short(name: str) -> str:
    """As on the command line: "network" for its class_path, and "network.pairs" for its init_args.pairs."""
    return name.removesuffix(".class_path").replace(".init_args.", ".")


def flat(options: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """One level, names joined by dots."""
    found: dict[str, Any] = {}
    for name, value in options.items():
        value = value.as_dict() if isinstance(value, Namespace) else value
        found |= flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value}
    return found
