"""Writes the network of a run as the file that comes with the project, with its model card."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from datamodules.errors import InputError, cannot_write
from datamodules.files.atomic_files import write_whole
from datamodules.network_input import network_input
from lightning_module.checkpoint import load_module, read_hyper_parameters
from lightning_module.inference.network_facts import network_facts, run_options
from lightning_module.inference.pretrained.package_card import LICENCE, Package, package_card
from lightning_module.inference.sample_photo import sample_crops
from lightning_module.packed_network import ENDING, write_packed
from lightning_module.pretrained_network import FILE
from lightning_module.tracking.run_folder import RunFolder

CARD = "README.md"

_MOST_BYTES = 10_000_000  # a clone of the repository carries every version of the file
_MOST_PX = 0.1  # largest mean distance from the maps of the checkpoint, in a crop of 256 px
_STARTS = ("init_from", "branch_from")


def write_package(checkpoint: Path, measured: Mapping[str, Any], folder: Path = FILE.parent) -> Package:
    """Writes <folder>/pretrained.safetensors and its model card, README.md.

    Args:
        checkpoint: Checkpoint of a fit on synthetic faces, in the folder of its run.
        measured: The figures of the card, as `python -m benchmarks.pretrained_recipe` saves them.
        folder: Folder of both files.

    Returns:
        What was written.

    Raises:
        InputError: If the network was not trained on synthetic faces only, the file would be larger than 10 MB or differ
            from the checkpoint, or it cannot be written.
    """
    run = RunFolder.of_checkpoint(checkpoint)
    if run is None:
        raise InputError(
            f"{checkpoint}: lies outside its run's folder, which tells its origin. Give a run's best.ckpt."
        )
    options = run_options(run)
    _require_own_data(run, options)
    module = load_module(checkpoint)
    path = folder / FILE.name
    partial = folder / f".partial{ENDING}"
    facts = {**network_facts(checkpoint), "licence": LICENCE}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            write_packed(partial, module, read_hyper_parameters(checkpoint), module.region_table, facts)
            size = partial.stat().st_size
            if size > _MOST_BYTES:
                raise InputError(
                    f"{path}: would have {size / 1e6:.1f} MB, and at most {_MOST_BYTES / 1e6:g} are allowed. Train a smaller "
                    "network."
                )
            images = network_input(torch.from_numpy(sample_crops(module.image_size)))
            packed = load_module(partial)
            distances = torch.linalg.vector_norm(packed.position_maps(images) - module.position_maps(images), dim=1)
            apart = float(distances.mean())
            if not apart <= _MOST_PX:
                raise InputError(
                    f"{path}: in half precision, the network's maps differ by {apart:.3g} px on average, so it was not "
                    "written. Give another checkpoint."
                )
            digest = hashlib.sha256(partial.read_bytes()).hexdigest()
            package = Package(path, module, options, facts, size, digest, apart)
            card = package_card(package, measured)
            partial.replace(path)
            write_whole(folder / CARD, card)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise cannot_write(folder, error, "the folder") from error
    return package


def _require_own_data(run: RunFolder, options: Mapping[str, Any]) -> None:
    """Raises InputError unless a run is known to have seen nothing but faces by formula, which have no other owner."""
    data = options.get("data")
    if not isinstance(data, Mapping):
        raise InputError(
            f"{run.config}: is missing or damaged, so the origin of the network is not known. Train again."
        )
    model = data.get("face_model") or {}
    foreign = {
        "data.root": data.get("root"),
        "data.face_model.path": model.get("path"),
        **{name: options.get(name) for name in _STARTS},
    }
    if named := [f"{name} {value}" for name, value in foreign.items() if value is not None]:
        raise InputError(
            f"{run.path}: was trained with {named[0]}, whose owner's terms may extend to the network. Train it with python "
            "run.py fit --config conf/pretrained.yaml, on synthetic faces only."
        )
