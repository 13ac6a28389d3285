"""`run.py import-prnet`: writes the published weights of PRNet as a checkpoint of this project."""

from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import Any

import torch

from datamodules.errors import InputError, cannot_write
from datamodules.files.atomic_files import write_whole
from datamodules.files.prnet_uv_data import read_prnet_uv_data
from datamodules.geometry.regions import five_regions, regions_as_data
from datamodules.geometry.uv_layout import UVLayout
from lightning_module.face_module import FaceModule
from lightning_module.inference.prnet.prnet_layout import prnet_layout
from lightning_module.inference.prnet.prnet_weights import placed_numbers, read_prnet
from lightning_module.networks.hourglass import Hourglass
from lightning_module.packed_network import FACTS

# PRNet's own crop (Feng et al., 2018, api.py): from landmarks, and from the box of a detector.
CROP_MARGIN, DETECTOR_CROP = 1.6, [1.58, 0.14]

_ENDING = ".ckpt"
_REGIONS = f"{five_regions.__module__}.{five_regions.__qualname__}"
_WEIGHTS = {"landmarks": 16.0, "eyes_nose": 4.0, "mouth": 4.0, "face": 3.0, "neck": 0.0}  # of PRNet's own loss
_LICENCE = """\
weightmask's MIT licence covers code. The weights are those of PRNet's authors (Feng et al., ECCV 2018), who trained them on
300W-LP, and fall under their terms and those of the owners of 300W-LP and the Basel Face Model. Ask them before you pass
on or sell this network."""


def import_prnet(
    weights: Path,
    uv_data: Path | None = None,
    out: Path = Path("prnet.ckpt"),
    face_model: Path | None = None,
    verify: bool = True,
) -> Path:
    """Writes the published weights of PRNet (Feng et al., 2018) as a checkpoint, which all commands take like any other.

    The checkpoint carries PRNet's crop, landmarks and face texels, so that test, predict, export and fit --init_from crop
    as PRNet does.

    Args:
        weights: TensorFlow's checkpoint 256_256_resfcn256_weight, without an ending; or a file of PyTorch with the state
            dict of pytorchcv's prnet.
        uv_data: Data/uv-data of PRNet's repository: uv_kpt_ind.txt, and face_ind.txt and canonical_vertices.npy where there.
        out: The checkpoint to write, which ends in .ckpt.
        face_model: BFM.mat, for dense figures in tests on data with this face model.
        verify: Whether to compare the checksums of TensorFlow's checkpoint.

    Returns:
        The checkpoint.

    Raises:
        InputError: If a file is missing, damaged or of another network, or the checkpoint cannot be written.
    """
    if out.suffix != _ENDING:
        raise InputError(f"{out}: a checkpoint ends in {_ENDING}. Set --out.")
    arrays = read_prnet_uv_data(uv_data)
    network = read_prnet(weights, verify)
    layout, source = prnet_layout(arrays, face_model)
    out = out.expanduser()
    content = BytesIO()
    torch.save(_checkpoint(network, layout.in_crop(CROP_MARGIN), weights.name), content)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        write_whole(out, content.getbuffer())
    except OSError as error:
        raise cannot_write(out, error, "--out") from error
    parameters, statistics = placed_numbers(network)
    faces = "of the drawn regions" if arrays.is_face is None else "of PRNet"
    print(
        f"{out}: {parameters:,} weights and {statistics:,} statistics of {weights.name} placed, none left over.\n"
        f"Crops of margin {CROP_MARGIN:g}, 68 landmarks of PRNet, face texels {faces}, mean face of {source}.\n"
        f"Test it: python run.py test --ckpt_path {out} --data.test.root AFLW2000 --data.face_model.path BFM.mat"
    )
    return out


def _checkpoint(network: Hourglass, layout: UVLayout, name: str) -> dict[str, Any]:
    """The content of a checkpoint, as Lightning writes it, without the state of a training."""
    options: dict[str, Any] = {
        "weights": _WEIGHTS,
        "landmark_radius_texels": 0.0,
        "is_residual": False,  # its maps are absolute: the sigmoid's middle is the middle of its range
        "loss_norm": "l2",
        "crop_margin": CROP_MARGIN,
        "detector_crop": DETECTOR_CROP,
    }
    module = FaceModule(network, **options)
    module.adopt_layout(layout)
    spec = {
        "class_path": f"{Hourglass.__module__}.{Hourglass.__qualname__}",
        "init_args": {"tail": "published", "image_size": module.image_size},
    }
    facts = {
        "run": f"none: imported from {name}, which PRNet's authors trained",
        "trained on": "300W-LP, by PRNet's authors",
        "licence": _LICENCE,
    }
    return {
        "state_dict": module.state_dict(),
        "hyper_parameters": {**dict(module.hparams), "network": spec, "regions": _REGIONS},
        "regions": regions_as_data(module.region_table),
        FACTS: facts,
        "pytorch-lightning_version": version("pytorch-lightning"),
    }
