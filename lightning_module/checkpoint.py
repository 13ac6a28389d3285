"""Reads checkpoints and network files, as tensors and plain values only, so that no code in them can run."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from jsonargparse import ArgumentParser
from torch import nn

from datamodules.errors import DivergedError, InputError, reason
from datamodules.geometry.crop import CROP_MARGIN
from datamodules.geometry.regions import five_regions, regions_from_data
from lightning_module.content_hash import hash_content
from lightning_module.face_module import FaceModule
from lightning_module.legacy import migrated_model_options
from lightning_module.packed_network import FACTS, is_packed, read_packed
from lightning_module.region_weights import RegionWeights

_OPTIONS = ("image_size", "weights", "is_residual", "loss_norm")  # that every version has written
# what a training that goes on from a checkpoint depends on; the rest names files, which differ between machines
_STATE = ("state_dict", "optimizer_states", "lr_schedulers", "epoch", "global_step")
_AVERAGE = ("current_model_state", "averaging_state")  # of fits that average their weights
_NOT_OPTIONS = ("_instantiator",)  # an entry of Lightning's own


def checkpoint_digest(path: Path) -> str:
    """16 hexadecimal digits of the sha256 of a checkpoint's file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def state_digest(path: Path) -> str:
    """16 hexadecimal digits that are equal for checkpoints from which a training goes on alike, to the last bit.

    They depend on the tensors and numbers of network, optimiser and schedule, and not on the bytes of the file.

    Raises:
        InputError: If the file is no checkpoint.
    """
    checkpoint = _read(path)
    digest = hashlib.sha256()
    for name in _STATE:
        hash_content(checkpoint.get(name), name, digest.update)
    for name in _AVERAGE:
        if name in checkpoint:
            hash_content(checkpoint[name], name, digest.update)
    return digest.hexdigest()[:16]


def read_hyper_parameters(path: Path) -> dict[str, Any]:
    """The options of the module in a checkpoint, under today's names; the network as its class_path and init_args.

    Raises:
        InputError: If the file is no checkpoint.
    """
    options: Mapping[str, Any] = _read(path)["hyper_parameters"]
    migrated = migrated_model_options({name: value for name, value in options.items() if name not in _NOT_OPTIONS})
    if missing := [name for name in _OPTIONS if name not in migrated]:
        raise InputError(f"{path}: is no checkpoint of this project: it has no {missing[0]}. Give a run's best.ckpt.")
    return migrated


def read_facts(path: Path) -> dict[str, str]:
    """What a network file, or the checkpoint of an imported network, says about its training, by name.

    Raises:
        InputError: If the file is no checkpoint.
    """
    facts = _read(path).get(FACTS, {})
    if not isinstance(facts, Mapping):
        return {}
    return {str(name): str(fact) for name, fact in facts.items()}


def load_module(path: Path) -> FaceModule:
    """The network of a checkpoint, for evaluation.

    Raises:
        InputError: If the file is no checkpoint, or its network cannot be constructed.
        DivergedError: If a weight is not finite.
    """
    checkpoint = _read(path)
    options = read_hyper_parameters(path)
    regions = regions_from_data(checkpoint["regions"]) if "regions" in checkpoint else five_regions()
    module = FaceModule(
        _make_network(path, options),
        options["image_size"],
        lambda: regions,
        options["weights"],
        options.get("landmark_radius_texels", 0.0),
        Path(options["weight_map"]) if options.get("weight_map") else None,
        is_residual=options["is_residual"],
        loss_norm=options["loss_norm"],
        mirror_average=options.get("mirror_average", False),
        crop_average=options.get("crop_average", False),
        crop_margin=options.get("crop_margin", CROP_MARGIN),
        detector_crop=options.get("detector_crop"),
    )
    module.on_load_checkpoint(checkpoint)
    try:
        module.load_state_dict(checkpoint["state_dict"])
    except RuntimeError as error:
        raise parameter_mismatch(path, module.network) from error
    if name := non_finite_tensor(module.network):
        raise DivergedError(
            f"{path}: its weights are not finite ({name}), since its training has diverged. Give the checkpoint of an "
            "earlier epoch, or train again with a lower --model.lr."
        )
    return module.eval().requires_grad_(False)


def non_finite_tensor(network: nn.Module) -> str | None:
    """The name of the first parameter or buffer that holds NaN or an infinite number, or None if all are finite."""
    tensors = network.state_dict()
    return next((name for name, tensor in tensors.items() if not torch.isfinite(tensor).all()), None)


def parameter_mismatch(path: Path, network: nn.Module) -> InputError:
    """The error for a checkpoint whose parameters are not those of its network's class."""
    return InputError(
        f"{path}: its parameters do not match {type(network).__name__}. Has the class changed since it was trained?"
    )


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise InputError(f"{path}: there is no such checkpoint. Name the checkpoint of a fit.")
    if is_packed(path):
        return read_packed(path)
    try:
        # checkpoints of modules that earlier versions constructed in Python hold this dataclass
        with torch.serialization.safe_globals([RegionWeights]):
            checkpoint: dict[str, Any] = torch.load(path, weights_only=True, map_location="cpu", mmap=True)
        if not {"hyper_parameters", "state_dict"} <= checkpoint.keys():
            raise ValueError("it holds no module")
        regions_from_data(checkpoint.get("regions", []))
    # what torch raises depends on where the damage lies
    except Exception as error:
        raise InputError(f"{path}: is no checkpoint of this project. Give a run's best.ckpt or last.ckpt.") from error
    return checkpoint


def _make_network(path: Path, options: Mapping[str, Any]) -> nn.Module:
    """Constructs the network of {class_path, init_args}, which must be a subclass of nn.Module."""
    if "network" not in options:
        raise InputError(
            f"{path}: its network was constructed in Python, so its class is not stored. Load it in Python, with "
            "FaceModule.load_from_checkpoint(path, network=...)."
        )
    spec: Mapping[str, Any] = options["network"]
    parser = ArgumentParser(exit_on_error=False)
    parser.add_subclass_arguments(nn.Module, "network", fail_untyped=False)
    try:
        parsed = parser.instantiate(parser.parse_object({"network": dict(spec)}))
    # the exception depends on the class
    except Exception as error:
        raise InputError(
            f"{path}: its network {spec.get('class_path')} cannot be constructed ({' '.join(reason(error).split())}). "
            "Make its class importable, for example with PYTHONPATH."
        ) from error
    network = parsed.network
    if not isinstance(network, nn.Module):
        raise InputError(f"{path}: its network {spec.get('class_path')} is not a torch.nn.Module.")
    return network
