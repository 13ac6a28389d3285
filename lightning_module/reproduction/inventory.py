"""What the downloads hold of the data sets, the face model, PRNet and the Florence scans, and what is missing."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from datamodules.errors import InputError
from datamodules.files.bfm import UV_FILE
from datamodules.files.bfm_assembly import raw_files_to_read
from datamodules.files.data_set_top import TFDS, TFDS_FAULT
from datamodules.files.downloaded_samples import SampleRole, SampleSet, sample_sets
from datamodules.files.downloads import Downloads, FoundFile, ListedFiles, list_downloads
from datamodules.files.raw_face_models import RAW_NAMES
from lightning_module.reproduction.florence_scans import FlorenceScans, find_florence

MODEL_FILE = "BFM.mat"
WEIGHTS = "256_256_resfcn256_weight"  # PRNet's checkpoint of TensorFlow
_ENDINGS = (".index", ".data-00000-of-00001")
_UV_DATA, _UV_OPTIONAL = "uv_kpt_ind.txt", ("face_ind.txt", "canonical_vertices.npy")

_3DDFA = "http://www.cbsr.ia.ac.cn/users/xiangyuzhu/projects/3DDFA/main.htm"
_SOURCES: dict[SampleRole, str] = {
    "training": f"300W-LP (300W-LP.zip; or 300W-3D) from {_3DDFA}",
    "test": f"AFLW2000-3D (AFLW2000-3D.zip) from {_3DDFA}",
}
_PRNET = "https://github.com/yfeng95/PRNet"


@dataclass(frozen=True, eq=False)
class Inventory:
    """What the downloads hold.

    Attributes:
        root: Their folder.
        training: The data set to train on.
        test: The data set to test on.
        model: BFM.mat and BFM_UV.mat where both are there; empty where the model is made of `raw`.
        raw: Where the raw files lie that the model is made of, where it is not there itself; else None.
        prnet: PRNet's two files of weights, and those of its uv-data; empty where one that is needed is missing.
        florence: The Florence scans, or None.
        missing: One line for each part of the paper that cannot be reproduced without more downloads.
        faults: One line for each file that cannot be read.
    """

    root: Path
    training: SampleSet
    test: SampleSet
    model: tuple[FoundFile, ...]
    raw: Downloads | None
    prnet: tuple[FoundFile, ...]
    florence: FlorenceScans | None
    missing: list[str]
    faults: list[str]


def take_inventory(root: Path, left_out: Path) -> Inventory:
    """Looks through the downloads.

    Args:
        root: Their folder.
        left_out: The folder of the reproduction, which may lie there.

    Raises:
        InputError: If a data set or the face model is not there, with the place where it is got.
    """
    files = list_downloads(root, left_out)
    sets = sample_sets(files.files)
    chosen = {role: next((own for own in sets if own.role == role), None) for role in _SOURCES}
    model = _finished_model(files.files)
    raw, lack = (None, "") if model else _raw_model(files)
    if lack and (alone := next((file for file in files.files if file.name.lower() == MODEL_FILE.lower()), None)):
        lack = f"{alone.place}: has no {UV_FILE} beside it. Copy the one that was made with it."
    training, test = chosen["training"], chosen["test"]
    if training is None or test is None or not (model or raw):
        wanted = [source for role, source in _SOURCES.items() if chosen[role] is None]
        lines = [f"{root}: lacks {'; '.join(wanted)}."] if wanted else []
        lines += [lack] if lack else []
        lines += [f"{own.place}: {TFDS_FAULT}" for own in files.files if wanted and TFDS in own.name][:1]
        raise InputError(" ".join([*lines, *(fault for fault in files.faults if fault not in lack)]))
    prnet, missing = _prnet(files), []
    if not prnet:
        missing.append(
            f"PRNet, since the downloads lack {WEIGHTS}{_ENDINGS[0]} and {_ENDINGS[1]}, or {_UV_DATA}: get the weights and "
            f"Data/uv-data of {_PRNET}."
        )
    florence = find_florence(files.files)
    if florence is None:
        missing.append(
            "the Florence scans: a folder of <name>.obj or .ply in millimetres, each with <name>.npy, its (68, 3) landmarks, "
            "and <name>.jpg, a picture of it, from https://www.micc.unifi.it/resources/datasets/florence-3d-faces."
        )
    return Inventory(root, training, test, model, raw, prnet, florence, missing, files.faults)


def _finished_model(files: Sequence[FoundFile]) -> tuple[FoundFile, ...]:
    """A model file that is named BFM.mat, and its texture coordinates in the same folder."""
    coordinates = {file.place.parent: file for file in files if file.name.lower() == UV_FILE.lower()}
    for file in files:
        if file.name.lower() == MODEL_FILE.lower() and file.place.parent in coordinates:
            return file, coordinates[file.place.parent]
    return ()


def _raw_model(files: ListedFiles) -> tuple[Downloads | None, str]:
    """Where the files lie that a model is made of, or None and one line of what is missing."""
    downloads = files.named(RAW_NAMES)
    try:
        raw_files_to_read(downloads)
    except InputError as error:
        return None, str(error)
    return downloads, ""


def _prnet(files: ListedFiles) -> tuple[FoundFile, ...]:
    found = files.named([WEIGHTS + ending for ending in _ENDINGS] + [_UV_DATA, *_UV_OPTIONAL]).files
    weights = [next(iter(found[WEIGHTS + ending]), None) for ending in _ENDINGS]
    uv_data = next(iter(found[_UV_DATA]), None)
    if uv_data is None or None in weights:
        return ()
    others = [file for name in _UV_OPTIONAL for file in found[name] if file.place.parent == uv_data.place.parent]
    return (*(file for file in weights if file is not None), uv_data, *others)
