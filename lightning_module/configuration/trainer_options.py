"""Options of Lightning's Trainer that it accepts though no training is possible with them."""

from typing import Any

from jsonargparse import Namespace

from datamodules.errors import InputError

_TRUE_PRECISIONS = ("16-true", "bf16-true", "64-true", "64", 64, "transformer-engine", "transformer-engine-float16")

_AVERAGES = "lightning_module.callbacks.averaged_weights.AveragedWeights"
_STOCK_AVERAGES = ("pytorch_lightning.callbacks.WeightAveraging", "pytorch_lightning.callbacks.EMAWeightAveraging")


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
    chosen = trainer.get("callbacks") or []
    names = [str(callback.get("class_path")) for callback in (chosen if isinstance(chosen, list) else [chosen])]
    if stock := [name for name in names if name in _STOCK_AVERAGES]:
        raise InputError(
            f"--trainer.callbacks {stock[0]} would move landmarks by a texel, since it averages integers and truncates them. "
            f"Give {_AVERAGES} instead."
        )
    if trainer.get("precision") in _TRUE_PRECISIONS:
        raise InputError(
            f"--trainer.precision is {trainer.precision}: weights are kept in single precision here. Give 32-true, "
            "bf16-mixed or 16-mixed."
        )
