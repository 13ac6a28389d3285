"""Options of Lightning's Trainer that it accepts though no training is possible with them."""

from typing import Any

from jsonargparse import Namespace

from datamodules.errors import InputError

_TRUE_PRECISIONS = ("16-true", "bf16-true", "64-true", "64", 64, "transformer-engine", "transformer-engine-float16")


def refuse_useless_options(trainer: Namespace) -> None:
    """Checks the options of a fit that are below `--trainer`.

    Raises:
        InputError: If an interval is not positive, or an option does not suit this project.
    """
    for name in ("check_val_every_n_epoch", "val_check_interval", "accumulate_grad_batches"):
        value: Any = trainer.get(name)
        if isinstance(value, int | float) and value <= 0:
            raise InputError(f"--trainer.{name} is {value}: give a positive number.")
    if trainer.get("overfit_batches"):
        raise InputError(
            "--trainer.overfit_batches would replace the order of the faces, which the seed decides. Leave it out, and give "
            "a --data.root of a few faces with --config conf/overfit.yaml."
        )
    if trainer.get("precision") in _TRUE_PRECISIONS:
        raise InputError(
            f"--trainer.precision is {trainer.precision}: weights are kept in single precision here. Give 32-true, "
            "bf16-mixed or 16-mixed."
        )
