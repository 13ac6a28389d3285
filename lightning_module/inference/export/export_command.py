"""A checkpoint as a file for other runtimes: `run.py export`."""

from pathlib import Path

import torch

from datamodules.errors import InputError, cannot_write
from lightning_module.checkpoint import load_module
from lightning_module.inference.export.exported_network import ExportedNetwork
from lightning_module.inference.export.formats import FORMATS, ExportFormat
from lightning_module.inference.export.model_card import model_card
from lightning_module.inference.sample_photo import sample_crops

_MOST_PX = 0.01  # mean difference from the checkpoint: far below what any figure shows


def export(ckpt_path: Path, format: ExportFormat, out: Path | None = None) -> float:
    """Writes a network as a file for other runtimes, if it does there what the checkpoint does.

    Args:
        ckpt_path: Checkpoint of a fit.
        format: "onnx", "torchscript" or "pt2".
        out: The file; beside the checkpoint by default. Its model card <name>.md lies beside it.

    Returns:
        The mean distance of their maps, in pixels of a 256 x 256 crop.

    Raises:
        InputError: If there is no such checkpoint, the file cannot be written, or does something else.
    """
    ckpt_path = ckpt_path.expanduser()
    module = load_module(ckpt_path)
    file_format = FORMATS[format]
    out = (out or ckpt_path.with_suffix(file_format.ending)).expanduser()
    if out.suffix != file_format.ending:
        raise InputError(f"{out}: a file of --format {format} ends in {file_format.ending}. Set --out.")
    images = torch.from_numpy(sample_crops(module.image_size)).permute(0, 3, 1, 2).float().div_(255)
    partial = out.with_name(f".{out.name}")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        try:
            partial.touch()  # where a folder cannot be written, torch raises no OSError
            file_format.write(ExportedNetwork(module).eval(), images[:2], partial)
            run = file_format.read(partial)
            with torch.no_grad():
                expected = module.position_maps(images)
                # any number of faces at once, and one alone
                exported = torch.cat([run(images[:1]).position_map, run(images[1:]).position_map])
            apart = float(torch.linalg.vector_norm(exported - expected, dim=1).mean())
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
        raise cannot_write(out, error, "--out") from error
    print(
        f"{out}: {apart:.2g} px from the checkpoint on average, on {len(images)} crops of a photograph\nModel card: {card}"
    )
    return apart
