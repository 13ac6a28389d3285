"""A checkpoint as a file for other runtimes: `run.py export`."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from datamodules.errors import InputError
from lightning_module.checkpoint import load_module
from lightning_module.inference.export.exported_network import ExportedNetwork
from lightning_module.inference.export.formats import FORMATS, ExportFormat
from lightning_module.inference.export.model_card import model_card
from lightning_module.map_output import mirror_averaged

_MOST_PX = 0.01  # mean difference from the checkpoint: far below what any figure shows
Crops = Callable[[int], NDArray[np.uint8]]


def export(ckpt_path: Path, format: ExportFormat, out: Path | None = None, *, crops: Crops) -> float:
    """Writes a network as a file for other runtimes, if it does there what the checkpoint does.

    Args:
        ckpt_path: Checkpoint of a fit.
        format: "onnx", "torchscript" or "pt2".
        out: The file; beside the checkpoint by default. Its model card <name>.md lies beside it.
        crops: Gives crops of photographs of so many pixels a side, (N, S, S, 3) RGB: both networks see them.

    Returns:
        The mean distance of their maps, in pixels of a 256 x 256 crop.

    Raises:
        InputError: If there is no such checkpoint, the file cannot be written, or does something else.
    """
    ckpt_path = ckpt_path.expanduser()
    module = load_module(ckpt_path)
    kind = FORMATS[format]
    out = (out or ckpt_path.with_suffix(kind.ending)).expanduser()
    if out.suffix != kind.ending:
        raise InputError(f"{out}: a file of --format {format} ends in {kind.ending}. Set --out.")
    images = torch.from_numpy(crops(module.image_size)).permute(0, 3, 1, 2).float().div_(255)
    partial = out.with_name(f".{out.name}")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        try:
            kind.write(ExportedNetwork(module).eval(), images[:2], partial)
            run = kind.read(partial)
            with torch.no_grad():
                expected = mirror_averaged(module, images) if module.mirror_average else module(images)
                # any number of faces at once, and one alone
                found = torch.cat([run(images[:1]).position_map, run(images[1:]).position_map])
            apart = float(torch.linalg.vector_norm(found - expected, dim=1).mean())
            if not apart <= _MOST_PX:
                raise InputError(
                    f"{out}: is {apart:.3g} px off the checkpoint on average, and was not written. Try another --format."
                )
            partial.replace(out)
        finally:
            partial.unlink(missing_ok=True)
        card = out.with_name(f"{out.name}.md")
        card.write_text(model_card(ckpt_path, module, out.name, apart, len(images)))
    except OSError as error:
        raise InputError(f"{out}: cannot be written ({error.strerror}). Set --out to a place that can.") from error
    print(
        f"{out}: {apart:.2g} px from the checkpoint on average, on {len(images)} crops of a photograph\nModel card: {card}"
    )
    return apart
