"""Network files: safetensors with a network in half precision, what is needed to use it, and a checksum.

Such a file holds numbers and text only. The text names a network and a table of regions of this project, never code of
its own, so that reading a file cannot run anything that it brings along.
"""

import hashlib
import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from datamodules.errors import InputError
from datamodules.files.atomic_files import write_whole
from datamodules.geometry.crop import CROP_MARGIN, CROP_SIZE
from datamodules.geometry.fine_regions import fine_regions
from datamodules.geometry.regions import RegionTable, five_regions, regions_as_data, regions_from_data
from datamodules.geometry.uv_layout import MAP_SIZE
from lightning_module.content_hash import hash_content
from lightning_module.networks.compact import CompactNetwork
from lightning_module.networks.hourglass import Hourglass

ENDING = ".safetensors"
FACTS = "facts"  # what is known about the training: text by name

_FORMAT = "weightmask network 1"
# the frame of the maps; a network carries the crop that it was trained with
_FRAME = {"crop_size_px": CROP_SIZE, "map_size_texels": MAP_SIZE}
_MARGIN = "crop_margin"
_CLASSES = tuple(f"{network.__module__}.{network.__qualname__}" for network in (CompactNetwork, Hourglass))
_TABLES = tuple(f"{table.__module__}.{table.__qualname__}" for table in (five_regions, fine_regions))
_OPTIONS, _REGIONS, _CHECKSUM = "options", "regions", "checksum"
_NEEDED = ("image_size", "weights", "is_residual", "loss_norm", "network")
_Plain = str | int | float | bool | None


def is_packed(path: Path) -> bool:
    """Whether a file is a network file, by its name."""
    return path.suffix.lower() == ENDING


def write_packed(
    path: Path, module: nn.Module, options: Mapping[str, Any], regions: RegionTable, facts: Mapping[str, str]
) -> None:
    """Writes a network file.

    Args:
        path: The file.
        module: The module of the network, whose parameters are stored as float16. Its buffers, such as the statistics
            of batch norms and the mean map in pixels, are few and keep their precision.
        options: Its options, as `checkpoint.read_hyper_parameters` returns them.
        regions: Its table of regions.
        facts: What is known about its training, by name.

    Raises:
        InputError: If network or regions are not this project's own, or half precision cannot hold a parameter.
        OSError: If the file cannot be written.
    """
    _require_own(path, options)
    parameters = dict(module.named_parameters())
    tensors = {
        name: (tensor.half() if name in parameters else tensor).contiguous()
        for name, tensor in module.state_dict().items()
    }
    if lost := [name for name, tensor in tensors.items() if not torch.isfinite(tensor).all()]:
        raise InputError(f"{path}: half precision cannot hold {lost[0]}. Give the checkpoint of an earlier epoch.")
    mask = options.get("weight_map")
    # of a weight mask only the name, since its folder means nothing elsewhere
    stored = {**options, "weight_map": mask and Path(mask).name}
    metadata = {
        "format": _FORMAT,
        "frame": json.dumps({_MARGIN: options.get(_MARGIN, CROP_MARGIN), **_FRAME}),
        _OPTIONS: json.dumps(stored),
        _REGIONS: json.dumps(regions_as_data(regions)),
        FACTS: json.dumps(dict(facts)),
    }
    write_whole(path, save(tensors, {**metadata, _CHECKSUM: _checksum(metadata, tensors)}))


def read_packed(path: Path) -> dict[str, Any]:
    """The contents of a network file as those of a checkpoint, in single precision.

    Returns:
        "hyper_parameters", "state_dict" and "regions" of a checkpoint, "facts", and what Lightning needs to load it.

    Raises:
        InputError: If the file cannot be read, is damaged, or is not of this version of the project.
    """
    metadata, tensors = _contents(path)
    if metadata.get("format") != _FORMAT:
        raise InputError(
            f"{path}: is no network file of this version (format {metadata.get('format', 'unknown')!r}). {_remedy(path)}"
        )
    stored = metadata.pop(_CHECKSUM, "")
    if stored != _checksum(metadata, tensors):
        raise InputError(f"{path}: is damaged: its contents do not have its checksum. {_remedy(path)}")
    try:
        frame, options, regions, facts = (json.loads(metadata[name]) for name in ("frame", _OPTIONS, _REGIONS, FACTS))
        regions_from_data(regions)
        if missing := [name for name in _NEEDED if name not in options]:
            raise ValueError(f"it has no {missing[0]}")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: is no network file of this project ({error}). {_remedy(path)}") from error
    expected = {_MARGIN: options.get(_MARGIN, CROP_MARGIN), **_FRAME}
    if frame != expected:
        raise InputError(f"{path}: its crops and maps are {frame}, and here {expected}. {_remedy(path)}")
    _require_own(path, options)
    return {
        "hyper_parameters": options,
        "state_dict": {name: t.float() if t.is_floating_point() else t for name, t in tensors.items()},
        "regions": regions,
        FACTS: facts,
        "pytorch-lightning_version": version("pytorch-lightning"),
    }


def _contents(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    try:
        with safe_open(path, framework="pt") as file:
            return dict(file.metadata() or {}), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # a file is no dictionary
    except (SafetensorError, OSError, ValueError) as error:
        raise InputError(
            f"{path}: is damaged or no network file ({' '.join(str(error).split())}). {_remedy(path)}"
        ) from error


def _checksum(metadata: Mapping[str, str], tensors: Mapping[str, Tensor]) -> str:
    """The sha256 of all text and numbers of a file, in hexadecimal digits."""
    digest = hashlib.sha256()
    hash_content(metadata, "metadata", digest.update)
    hash_content(tensors, "tensors", digest.update)
    return digest.hexdigest()


def _require_own(path: Path, options: Mapping[str, Any]) -> None:
    """Raises InputError unless class, arguments and table of regions can do nothing but describe a network."""
    network = options.get("network")
    spec: Mapping[str, Any] = network if isinstance(network, Mapping) else {}
    named, arguments = spec.get("class_path"), spec.get("init_args", {})
    if named not in _CLASSES:
        raise InputError(f"{path}: its network is {named}. A network file holds {' or '.join(_CLASSES)} only.")
    if not isinstance(arguments, Mapping) or not all(isinstance(value, _Plain) for value in arguments.values()):
        raise InputError(f"{path}: the arguments of its network are no plain values. {_remedy(path)}")
    table = options.get("regions", _TABLES[0])
    if table not in _TABLES:
        raise InputError(f"{path}: its table of regions is {table}. A network file names {' or '.join(_TABLES)} only.")


def _remedy(path: Path) -> str:
    return f"Copy it again; git checkout -- {path} restores one that belongs to the project."
