"""Writes stand-ins of the downloads in their real layouts: zips of faces by formula, and a face model."""

import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tests.fakes import write_faces, write_model

YAWS = (0.0, 12, -25, 38, -52, 65, -80, 5)
SUBSETS = ("AFW", "HELEN", "IBUG", "LFPW")


def write_downloads(folder: Path, scratch: Path, photographs: int = 4, test_faces: int = 8) -> Path:
    """300W-LP.zip, AFLW2000-3D.zip and a folder with BFM.mat and BFM_UV.mat.

    Args:
        folder: The folder of the downloads.
        scratch: A folder to draw the faces in.
        photographs: Photographs in each folder of 300W-LP; each has two views, and a mirrored folder.
        test_faces: Faces of AFLW2000-3D.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_training_zip(folder / "300W-LP.zip", scratch / "300W_LP", photographs)
    write_test_zip(folder / "AFLW2000-3D.zip", scratch / "AFLW2000", test_faces)
    write_model(folder / "model")
    return folder


def write_training_zip(path: Path, scratch: Path, photographs: int) -> None:
    """300W-LP's layout, with what else its zip holds: landmarks of their own, and code."""
    for seed, subset in enumerate([*SUBSETS, *(f"{name}_Flip" for name in SUBSETS)]):
        names = [f"{subset}/{subset}_{number}_{view}" for number in range(photographs) for view in (0, 1)]
        write_faces(scratch, _yaws(len(names), seed), names, has_landmarks=False, first_seed=100 * seed)
    others = {"landmarks/AFW/AFW_0_0_pts.mat": b"MATLAB", "Code/Main.m": b"% code", "Code/face.jpg": b"\xff\xd8"}
    _zip(path, scratch, others)


def write_test_zip(path: Path, scratch: Path, faces: int) -> None:
    """AFLW2000-3D's layout."""
    write_faces(scratch, _yaws(faces, 0), [f"image{2 * number + 2:05d}" for number in range(faces)], first_seed=5000)
    _zip(path, scratch, {"Code/ShowImage.m": b"% code"})


def _yaws(count: int, first: int) -> list[float]:
    return [float(yaw) for yaw in np.resize(np.roll(YAWS, first), count)]


def _zip(path: Path, folder: Path, others: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*.*")):
            archive.write(file, f"{folder.name}/{file.relative_to(folder)}")
        for name, content in others.items():
            archive.writestr(f"{folder.name}/{name}", content)
        archive.writestr(f"__MACOSX/{folder.name}/._AFW", b"\0")


def cut_members(path: Path, names: Sequence[str]) -> None:
    """Writes a zip again without some of its files."""
    with zipfile.ZipFile(path) as archive:
        kept = [(info, archive.read(info)) for info in archive.infolist() if info.filename not in names]
    with zipfile.ZipFile(path, "w") as archive:
        for info, content in kept:
            archive.writestr(info, content)
