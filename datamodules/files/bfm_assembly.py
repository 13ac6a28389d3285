"""Puts the files `BFM.mat` and `BFM_UV.mat` of face3d's layout together from the raw files.

The steps and their figures are those of face3d's examples/Data/BFM/generate.m (commit 305a7dd); indices count from 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.io import savemat

from datamodules.errors import InputError
from datamodules.files.atomic_files import whole_file
from datamodules.files.bfm import UV_FILE
from datamodules.files.downloads import Downloads
from datamodules.files.raw_face_models import (
    CUT_EXPRESSION,
    CUT_SHAPE,
    EXPRESSION_FILE,
    FULL_VERTICES,
    INFO,
    LATER_MODELS,
    MODEL,
    MOUTH,
    RAW_FILES,
    UV,
    VERTICES,
    RawArrays,
    RawFile,
    read_raw,
)

_TEXTURE = ("texMU", "texPC", "texEV")  # which nothing here uses
_BAD_UV = {10032: (10033, 10158), 10155: (10534, 10157, 10661), 10280: (10916, 10286)}  # vertex: good neighbours
_BAD_MOUTH_TRIANGLE = 38
_MOUTH_TRIANGLES = (  # that close what is left open
    (6420, 6542, 6664),
    (6420, 6294, 6167),
    (6167, 6297, 6420),
    (6167, 6297, 6296),
    (6167, 6296, 6295),
    (6167, 6295, 6039),
    (6168, 6295, 6039),
)

_SHAPE = {"shapeMU": "mu_shape", "shapePC": "w", "shapeEV": "sigma"}  # face3d's names for those of 3DDFA
_EXPRESSION = {"expMU": "mu_exp", "expPC": "w_exp", "expEV": "sigma_exp"}

Fields = dict[str, NDArray[np.generic]]


@dataclass(frozen=True)
class AssembledModel:
    """A model in face3d's layout.

    Attributes:
        fields: The arrays of the struct `model`.
        uv: (V, 2) texture coordinates.
        sources: The raw files that it was made from.
    """

    fields: Fields
    uv: NDArray[np.floating]
    sources: list[RawArrays]

    def write(self, path: Path) -> None:
        """Writes both files, each whole or not at all; `BFM.mat` last, so that its presence marks both as complete.

        Raises:
            OSError: If they cannot be written.
        """
        # both are whole before the first gets its name, so that no file stands beside one of another model
        with whole_file(path) as model, whole_file(path.with_name(UV_FILE)) as coordinates:
            for partial, content in ((model, {"model": self.fields}), (coordinates, {"UV": self.uv})):
                with partial.open("wb") as file:
                    savemat(file, content)


def assemble(downloads: Downloads) -> AssembledModel:
    """Makes the model of raw files.

    Args:
        downloads: Where they lie.

    Raises:
        InputError: If files are missing, which are named with the places where they are got, or depart from what their
            authors publish.
    """
    read = {file: read_raw(downloads, file, optional=_TEXTURE) for file in raw_files_to_read(downloads)}
    info, mouth, uv = read.get(INFO), read[MOUTH], read[UV]
    expression = read[EXPRESSION_FILE if EXPRESSION_FILE in read else CUT_EXPRESSION]
    kept = None if info is None else info.indices("trimIndex", FULL_VERTICES).ravel() - 1
    shape = _cut_shape(read[MODEL], kept) if MODEL in read and kept is not None else _renamed(read[CUT_SHAPE], _SHAPE)
    layout = read[CUT_SHAPE] if info is None else info
    fields: Fields = {
        **shape,
        **_renamed(expression, _EXPRESSION),
        "tri": layout.indices("tri", VERTICES).astype(np.int32),
        "tri_mouth": _closed_mouth(mouth),
        "kpt_ind": layout.indices("keypoints", VERTICES).astype(np.int32),
    }
    return AssembledModel(fields, _repaired(uv, kept), list(read.values()))


def raw_files_to_read(downloads: Downloads) -> list[RawFile]:
    """The files that a model is made of.

    Raises:
        InputError: If some are missing, which are named with the places where they are got.
    """

    def first(*choices: RawFile) -> RawFile:
        return next((file for file in choices if downloads.files[file.name.lower()]), choices[0])

    shape = first(MODEL, CUT_SHAPE)
    chosen = [MOUTH, UV, first(EXPRESSION_FILE, CUT_EXPRESSION), shape]  # the large ones last: faults show early
    if shape is MODEL or downloads.files[INFO.name.lower()]:  # else the texture coordinates must be cut already
        chosen.insert(0, INFO)
    if missing := [file for file in RAW_FILES if file in chosen and not downloads.files[file.name.lower()]]:
        raise InputError(_missing(downloads, missing))
    return chosen


def _renamed(raw: RawArrays, names: dict[str, str]) -> Fields:
    return {own: raw.arrays[name] for own, name in names.items()}


def _cut_shape(raw: RawArrays, kept: NDArray[np.int64]) -> Fields:
    """Shape, and texture where it is there, of the vertices that are kept."""
    names = ["shapeMU", "shapePC", "shapeEV", *(name for name in _TEXTURE if name in raw.arrays)]
    return {name: raw.arrays[name] if name.endswith("EV") else _rows(raw.arrays[name], kept) for name in names}


def _rows(array: NDArray[np.floating], kept: NDArray[np.int64]) -> NDArray[np.floating]:
    """(3 V, components) of the vertices that are kept, of a vertex-interleaved array."""
    return array.reshape(FULL_VERTICES, 3, -1)[kept].reshape(3 * len(kept), -1)


def _closed_mouth(mouth: RawArrays) -> NDArray[np.int32]:
    """(3, M) triangles inside the mouth, without the bad one and with those that are missing."""
    triangles = mouth.indices("tri_mouth", VERTICES)
    if triangles.shape[1] < _BAD_MOUTH_TRIANGLE:
        raise InputError(
            f"{mouth.file.place}: tri_mouth has {triangles.shape[1]} triangles, fewer than the {_BAD_MOUTH_TRIANGLE}th, "
            f"which is replaced. {MOUTH.remedy}"
        )
    good = np.delete(triangles, _BAD_MOUTH_TRIANGLE - 1, axis=1)
    return np.concatenate([good, np.transpose(_MOUTH_TRIANGLES)], axis=1).astype(np.int32)


def _repaired(uv: RawArrays, kept: NDArray[np.int64] | None) -> NDArray[np.floating]:
    """(V, 2) texture coordinates of the vertices that are kept, without the three that lie wrong."""
    coordinates = uv.arrays["UV"]
    if len(coordinates) == FULL_VERTICES:
        if kept is None:
            raise InputError(
                f"{uv.file.place}: is not cut to {VERTICES} vertices, for which {INFO.name} is needed. {INFO.remedy}"
            )
        coordinates = coordinates[kept]
    elif len(coordinates) != VERTICES:
        raise InputError(f"{uv.file.place}: UV has {len(coordinates)} rows, expected {FULL_VERTICES}. {UV.remedy}")
    repaired = coordinates.copy()
    for vertex, neighbours in _BAD_UV.items():
        repaired[vertex - 1] = coordinates[np.subtract(neighbours, 1)].mean(axis=0)
    return repaired


def _missing(downloads: Downloads, missing: Sequence[RawFile]) -> str:
    """What is missing, where it is got, and what may be the reason."""
    later = [files[0] for name in LATER_MODELS if (files := downloads.files[name])]
    wrong = ""
    if later and MODEL in missing:
        year = LATER_MODELS[later[0].place.name.lower()]
        wrong = f" {later[0].place} is the Basel Face Model of {year}, with other vertices and components."
    wanted = "; ".join(f"{file.name} from {file.source}" for file in missing)
    faults = "".join(f" {fault}" for fault in downloads.faults)
    instead = f" {CUT_SHAPE.name} of 3DDFA can stand in for {MODEL.name}." if MODEL in missing and not wrong else ""
    return f"{downloads.root}: lacks {wanted}.{instead}{wrong}{faults}"
