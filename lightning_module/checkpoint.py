"""Reading checkpoints: tensors and plain values, never anything that could run."""

from pathlib import Path
from typing import Any

import torch

from datamodules.errors import InputError
from datamodules.geometry.regions import RegionTable, five_regions, regions_from_data
from lightning_module.face_module import FaceModule


def read_hyper_parameters(path: Path) -> dict[str, Any]:
    """The constructor's arguments of the network in a checkpoint.

    Raises:
        InputError: If there is none.
    """
    return {key: value for key, value in _read(path)["hyper_parameters"].items() if key != "_instantiator"}


def read_regions(path: Path) -> RegionTable:
    """The table of regions of the network in a checkpoint: the five regions where it names none.

    Raises:
        InputError: If there is no checkpoint.
    """
    values = _read(path).get("regions")
    return five_regions() if values is None else regions_from_data(values)


def load_module(path: Path) -> FaceModule:
    """The network of a checkpoint, for evaluation.

    Raises:
        InputError: If there is none.
    """
    regions = read_regions(path)
    module = FaceModule.load_from_checkpoint(path, map_location="cpu", weights_only=True, regions=lambda: regions)
    return module.eval().requires_grad_(False)


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise InputError(f"{path}: there is no such checkpoint. Set --ckpt_path.")
    try:
        checkpoint: dict[str, Any] = torch.load(path, weights_only=True, map_location="cpu", mmap=True)
        checkpoint["hyper_parameters"]["image_size"]
        return checkpoint
    # what torch raises depends on where the damage lies
    except Exception as error:
        raise InputError(f"{path}: is no checkpoint of this project. Give a run's best.ckpt or last.ckpt.") from error
