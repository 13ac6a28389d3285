"""`run.py export`: writes the network of a checkpoint as a file for other runtimes."""

from pathlib import Path

import torch
from torch import Tensor

from datamodules.errors import DivergedError, InputError, cannot_write
from datamodules.network_input import network_input
from lightning_module.checkpoint import load_module
from lightning_module.face_module import FaceModule
from lightning_module.inference.export.exported_network import ExportedNetwork
from lightning_module.inference.export.formats import FORMATS, ExportFormat
from lightning_module.inference.export.model_card import model_card
from lightning_module.inference.map_check import require_plausible_maps
from lightning_module.inference.sample_photo import sample_crops
from lightning_module.pretrained_network import network_path

_MOST_PX = 0.01  # largest mean distance from the maps of the checkpoint, far below the resolution of any figure


def export(ckpt_path: Path, format: ExportFormat, out: Path | None = None) -> float:
    """Writes a network as a file for other runtimes, and checks it against its checkpoint.

    Args:
        ckpt_path: Checkpoint of a fit, or `pretrained` for the network that comes with the project.
        format: "onnx", "torchscript" or "pt2".
        out: The file; by default in the folder of the checkpoint, for `pretrained` in the working directory. The model
            card <name>.md is written next to it.

    Returns:
        The mean distance between the maps of file and checkpoint, in pixels of a 256 x 256 crop.

    Raises:
        InputError: If the checkpoint does not exist, or the file cannot be written or computes other maps.
        DivergedError: If its weights are not finite, or its maps cannot be those of faces.
    """
    beside = ckpt_path
    ckpt_path = network_path(ckpt_path)
    module = load_module(ckpt_path)
    file_format = FORMATS[format]
    out = (out or beside.with_suffix(file_format.ending)).expanduser()
    if out.suffix != file_format.ending:
        raise InputError(f"{out}: a file of --format {format} ends in {file_format.ending}. Set --out.")
    images = network_input(torch.from_numpy(sample_crops(module.image_size)))
    partial = out.with_name(f".{out.name}")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        try:
            partial.touch()  # where a folder cannot be written, torch raises no OSError
            file_format.write(ExportedNetwork(module).eval(), images[:2], partial)
            run = file_format.read(partial)
            with torch.no_grad():
                expected = _expected_maps(ckpt_path, module, images)
                # single faces and batches
                exported = torch.cat([run(images[:1]).position_map, run(images[1:]).position_map])
            apart = float(torch.linalg.vector_norm(exported - expected, dim=1).mean())
            if not apart <= _MOST_PX:
                raise InputError(
                    f"{out}: differs from the checkpoint by {apart:.3g} px on average, so it was not written. Try another "
                    "--format."
                )
            partial.replace(out)
        finally:
            partial.unlink(missing_ok=True)
        card = out.with_name(f"{out.name}.md")
        card.write_text(model_card(ckpt_path, module, out.name, apart, len(images)), encoding="utf-8")
    except OSError as error:
        raise cannot_write(out, error, "--out") from error
    print(
        f"{out}: {apart:.2g} px from the checkpoint on average, on {len(images)} crops of a photograph\nModel card: {card}"
    )
    return apart


def _expected_maps(ckpt_path: Path, module: FaceModule, images: Tensor) -> Tensor:
    maps = module.position_maps(images)
    try:
        require_plausible_maps(maps.numpy())
    except DivergedError as error:
        raise DivergedError(f"{ckpt_path}: {error} Give the checkpoint of an earlier epoch.") from error
    return maps
