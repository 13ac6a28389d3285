"""The Florence scans: found among the downloads, and a network's error on pictures of them."""

import json
import shutil
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from datamodules.errors import InputError
from datamodules.files.downloads import FoundFile
from datamodules.files.mesh_files import MESH_ENDINGS

_LANDMARKS, _PICTURE = ".npy", ".jpg"


@dataclass(frozen=True, eq=False)
class FlorenceScans:
    """Scans with pictures of them.

    Attributes:
        place: Their folder, or the archive's path followed by that in the archive.
        files: Of each scan the mesh in millimetres, its landmarks and its picture, by the names to unpack them to.
        names: Stems of the scans.
    """

    place: Path
    files: Mapping[str, FoundFile]
    names: Sequence[str]


def find_florence(files: Sequence[FoundFile]) -> FlorenceScans | None:
    """The folder with most scans: a mesh, <name>.npy and <name>.jpg each; None if there is none."""
    folders: dict[Path, dict[str, dict[str, FoundFile]]] = defaultdict(lambda: defaultdict(dict))
    for file in files:
        ending = file.place.suffix.lower()
        if ending in (*MESH_ENDINGS, _LANDMARKS, _PICTURE):
            folders[file.place.parent][file.place.stem][ending] = file
    found = []
    for place, by_stem in folders.items():
        whole = {stem: own for stem, own in by_stem.items() if _is_whole(own)}
        named = {f"{stem}{ending}": file for stem, own in whole.items() for ending, file in own.items()}
        for stem, own in whole.items():
            if all(ending in own for ending in MESH_ENDINGS):  # of two meshes of a scan, the first kind is taken
                del named[f"{stem}{MESH_ENDINGS[1]}"]
        if whole:
            found.append(FlorenceScans(place, named, sorted(whole)))
    return max(found, key=lambda scans: len(scans.names), default=None)


def collect_predictions(predicted: Path, names: Sequence[str], out: Path) -> None:
    """Copies what `run.py predict` wrote for each scan into a folder that `run.py evaluate-meshes` takes.

    Args:
        predicted: Folder that `predict` has written to.
        names: Stems of the scans.
        out: The folder: <name>.obj, and <name>.npy with its landmarks in the mesh's frame.

    Raises:
        InputError: If a picture has no face.
    """
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    for name in names:
        mesh, facts = predicted / f"{name}.obj", predicted / f"{name}.json"
        if not (mesh.is_file() and facts.is_file()):
            raise InputError(f"{predicted}: holds no single face of {name}.jpg. Give a picture that shows one face.")
        shutil.copyfile(mesh, out / mesh.name)
        content = json.loads(facts.read_text(encoding="utf-8"))
        landmarks = np.array(content["landmarks_68_px"], np.float64)
        np.save(out / f"{name}.npy", landmarks * [1, -1, 1] + [0, content["image_size_px"][1] - 1, 0])


def _is_whole(files: Mapping[str, FoundFile]) -> bool:
    return _LANDMARKS in files and _PICTURE in files and any(ending in files for ending in MESH_ENDINGS)
