"""Reading checkpoints: tensors and plain values, never anything that could run."""

from pathlib import Path
from typing import Any

import torch

from datamodules.errors import InputError
from lightning_module.face_module import FaceModule


def read_hyper_parameters(path: Path) -> dict[str, Any]:
    """The constructor's arguments of the network in a checkpoint.

    Raises:
        InputError: If there is none.
    """
    if not path.is_file():
        raise InputError(f"{path}: there is no such checkpoint. Set --ckpt_path.")
    try:
        checkpoint = torch.load(path, weights_only=True, map_location="cpu", mmap=True)
        return {key: value for key, value in checkpoint["hyper_parameters"].items() if key != "_instantiator"}
    # what torch raises depends on where the damage lies
    except Exception as error:
        raise InputError(f"{path}: is no checkpoint of this project. Give a run's best.ckpt or last.ckpt.") from error


def load_module(path: Path) -> FaceModule:
    """The network of a checkpoint, for evaluation.

    Raises:
        InputError: If there is none.
    """
    read_hyper_parameters(path)
    module = FaceModule.load_from_checkpoint(path, map_location="cpu", weights_only=True)
    return module.eval().requires_grad_(False)
