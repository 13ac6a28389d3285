"""The model card of an exported network: its origin, training data, interface and test figures."""

from pathlib import Path

from datamodules.geometry.regions import is_drawn
from lightning_module.checkpoint import checkpoint_digest
from lightning_module.face_module import FaceModule
from lightning_module.inference.export.exported_network import INPUT
from lightning_module.inference.network_facts import network_facts
from lightning_module.pretrained_network import network_name

_UNKNOWN = "not known"
_TRAINING = ("trained on", "data's fingerprint", "face model's fingerprint", "seed")
_LICENCE = """\
weightmask's MIT licence covers code. A network made from photographs and a face model falls under the terms of their
owners too: those of 300W-3D, 300W-LP, AFLW2000-3D and the Basel Face Model allow research, and neither commercial use
nor redistribution. Ask their owners before you pass on or sell a network that is trained on them."""


def model_card(checkpoint: Path, module: FaceModule, name: str, apart_px: float, crops: int) -> str:
    """The text of the card, in Markdown.

    Args:
        checkpoint: Checkpoint of the network.
        module: The network.
        name: Name of the exported file.
        apart_px: Mean distance between the maps of file and checkpoint.
        crops: Number of crops of a photograph on which this was measured.
    """
    known = network_facts(checkpoint)
    size, regions = module.image_size, module.region_table
    ratio = module.region_weights.ratio.replace("-", ":")
    weights = f"{ratio} ({' : '.join(region.title for region in regions)})"
    if module.weight_file is not None:
        weights = f"of the file {module.weight_file.name}"
    labels = ", ".join(f"{region.label} {region.title}" for region in regions if is_drawn(region))
    parameters = sum(parameter.numel() for parameter in module.network.parameters())
    facts = {
        "network": f"{type(module.network).__name__}, {parameters:,} parameters before folding",
        "checkpoint": f"{network_name(checkpoint)}, sha256 {checkpoint_digest(checkpoint)}",
        "run": known.get("run", "not known: the checkpoint lies outside its run's folder"),
        **{name: known.get(name, _UNKNOWN) for name in _TRAINING},
        "region weights": weights,
        "code": known.get("code", _UNKNOWN),
        "checked": f"{apart_px:.2g} px from the checkpoint on average, on {crops} crops of a photograph",
        "averages over": module.averages.in_words,
    }
    table = "\n".join(["| | |", "|---|---|", *(f"| {fact} | {value} |" for fact, value in facts.items())])
    return f"""# {name}

3-D faces from photographs: a crop to a UV position map. Made with weightmask (`python run.py export`).

{table}

## Inputs and outputs

`{INPUT}`: (N, 3, {size}, {size}) float32, RGB from 0 to 1. The crop is a square about the face, its side {module.crop.margin:g} times the
mean of width and height of the box of the 68 landmarks, its centre that box's; the centres of its corner pixels are the
square's corners, and what lies outside the photograph is black.

- `position_map`: (N, 3, 256, 256) x, y, z of every point of the face in the pixels of a crop of 256 x 256; nearer is larger.
- `landmarks_81`: (N, 81, 3) the same at the landmarks; the first 68 are iBUG's.
- `mean_map`: (3, 256, 256) the map of the mean face, looking straight ahead.
- `regions`: (256, 256) labels: {labels}. A region whose weight is 0 was not trained.
- `landmark_texels`: (81, 2) row and column of the landmarks in the maps.

## Test figures

{known.get("figures", "Not tested, or not known.")}

## Licence

{known.get("licence", _LICENCE)}
"""
