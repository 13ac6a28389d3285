"""Finds the files in which programs store the landmarks of photographs, and reads them as they are.

What the numbers mean is the business of landmark_formats.py.
"""

import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from datamodules.errors import InputError
from datamodules.files.landmark_arrays import read_arrays, read_rows
from datamodules.files.listed_names import is_hidden
from datamodules.files.mat import read_mat
from datamodules.geometry.landmarks import LANDMARKS_68, LANDMARKS_81

Array = NDArray[np.float64]

_NUMBERED = re.compile(r"(?P<photograph>.+)_(?P<face>\d+)")  # stem of a file of one face of a photograph
_VERTICES = "vertex"  # name of the array in a file of vertices
_IMAGE_ENDINGS = (".jpg", ".jpeg", ".png", ".bmp")


@dataclass(frozen=True, eq=False)
class StoredLandmarks:
    """Landmarks of photographs as a program has stored them.

    Attributes:
        path: Their file or folder.
        names: Names of the photographs: paths without endings. None where the rows of one array are the photographs.
        load: Returns the (F, A, B) array of the F faces of a named photograph; of all photographs for the name "".
        file: Returns the file of a named photograph, for messages.
    """

    path: Path
    names: list[str] | None
    load: Callable[[str], Array]
    file: Callable[[str], Path]


def numbered_texts(path: Path) -> StoredLandmarks | None:
    """Files <photograph>_<face>.txt of a folder; None if it has none."""
    return _numbered(path, ".txt", _read_text)


def numbered_vertices(path: Path) -> StoredLandmarks | None:
    """Files <photograph>_<face>.mat of a folder that hold an array `vertex`; None if it has none."""
    stored = _numbered(path, ".mat", _read_vertices)
    if stored is None or stored.names is None:
        return None
    # the samples of 300W-LP have such names too
    return stored if _VERTICES in read_mat(stored.file(stored.names[0]), [_VERTICES]) else None


def arrays(path: Path) -> StoredLandmarks | None:
    """An array of all photographs, or one for each: the rows or the named arrays of a file, or the .npy files of a folder.

    Raises:
        InputError: If the file cannot be read, or holds neither.
    """
    if path.is_dir():
        files = {_name(path, file): file for file in _listed(path, ".npy")}
        return (
            StoredLandmarks(path, sorted(files), lambda name: _faces(files[name]), files.__getitem__) if files else None
        )
    if path.suffix.lower() == ".npz" and path.is_file():
        named = {name: array.astype(np.float64) for name, array in read_arrays(path).items()}
        if named and all(_is_of_faces(array) for array in named.values()) and _are_photographs(named):
            by_name = {_without_ending(name): array for name, array in named.items()}
            return StoredLandmarks(path, sorted(by_name), lambda name: _with_faces(by_name[name]), lambda _: path)
    rows = read_rows(path)
    return StoredLandmarks(path, None, lambda _: rows, lambda _: path)


def _are_photographs(named: dict[str, Array]) -> bool:
    """Whether arrays belong to a photograph each, rather than one of them to all photographs."""
    return len(named) > 1 or any(
        array.ndim == 2 or Path(name).suffix in _IMAGE_ENDINGS for name, array in named.items()
    )


def _is_of_faces(array: Array) -> bool:
    coordinates, landmarks = sorted(array.shape[-2:]) if array.ndim in (2, 3) else (0, 0)
    return coordinates in (2, 3) and landmarks in (LANDMARKS_68, LANDMARKS_81)


def _with_faces(array: Array) -> Array:
    return array[None] if array.ndim == 2 else array


def _faces(path: Path) -> Array:
    (array,) = read_arrays(path).values() or (np.empty(0),)
    if array.ndim not in (2, 3):
        raise InputError(
            f"{path}: holds an array of {tuple(array.shape)}; that of a photograph has (68, 2), (68, 3) or these transposed, or "
            "one more axis for several faces. Save its landmarks so."
        )
    return _with_faces(array.astype(np.float64))


def _numbered(path: Path, ending: str, read: Callable[[Path], Array]) -> StoredLandmarks | None:
    files: dict[str, list[tuple[int, Path]]] = defaultdict(list)
    for file in _listed(path, ending):
        if match := _NUMBERED.fullmatch(_name(path, file)):
            files[match["photograph"]].append((int(match["face"]), file))
    if not files:
        return None

    def load(name: str) -> Array:
        faces = [read(file) for _, file in sorted(files[name])]
        if len({face.shape for face in faces}) > 1:
            raise InputError(
                f"{files[name][0][1]}: its array has another shape than that of the photograph's other faces."
            )
        return np.stack(faces)

    return StoredLandmarks(path, sorted(files), load, lambda name: min(files[name])[1])


def _listed(path: Path, ending: str) -> Iterator[Path]:
    """The files of a folder and the folders in it with an ending in any case, sorted; none if it is a file."""
    for folder, folders, names in os.walk(path, followlinks=True) if path.is_dir() else ():
        folders[:] = sorted(name for name in folders if not is_hidden(name))
        for name in sorted(names):
            if name.lower().endswith(ending) and not is_hidden(name):
                yield Path(folder, name)


def _name(root: Path, file: Path) -> str:
    return file.relative_to(root).with_suffix("").as_posix()


def _without_ending(name: str) -> str:
    path = Path(name.replace("\\", "/"))
    return (path.with_suffix("") if path.suffix.lower() in _IMAGE_ENDINGS else path).as_posix()


def _read_text(path: Path) -> Array:
    try:
        return np.loadtxt(path, np.float64, ndmin=2, encoding="utf-8")
    # a damaged file can fail in many ways inside numpy
    except Exception as error:
        fault = " ".join(str(error).split())
        raise InputError(f"{path}: is no table of numbers ({fault}). Write it again, or move it elsewhere.") from error


def _read_vertices(path: Path) -> Array:
    found = read_mat(path, [_VERTICES])
    if _VERTICES not in found:
        raise InputError(f"{path}: has no array {_VERTICES}. Move what is no mesh of 3DDFA elsewhere.")
    return np.asarray(found[_VERTICES], np.float64)
