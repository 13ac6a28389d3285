"""Basel Face Model files in face3d's layout: `BFM.mat` and `BFM_UV.mat`, read and written."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.io import savemat

from datamodules.errors import InputError
from datamodules.files.mat import finite_floats, read_mat
from datamodules.geometry.landmarks import LANDMARKS_68
from datamodules.geometry.morphable_model import MorphableModel

UV_FILE = "BFM_UV.mat"
_REMEDY = "Make BFM.mat and BFM_UV.mat with face3d (examples/Data/BFM), or with the 300W-3D tools."
_FIELDS = ["shapeMU", "shapePC", "expMU", "expPC", "tri", "kpt_ind"]
_DEVIATIONS = ["shapeEV", "expEV"]


def read_morphable_model(path: Path, uv_path: Path | None = None) -> MorphableModel:
    """The model of a `BFM.mat`.

    Args:
        path: The model file, with any number of components.
        uv_path: Texture coordinates; by default `BFM_UV.mat` in the same folder.

    Raises:
        InputError: If a file is missing, or departs from this layout.
    """
    fields = _read_fields(path)
    mean = _vertices(path, "shapeMU", fields) + _vertices(path, "expMU", fields)
    if mean.shape[2] != 1:
        raise InputError(f"{path}: shapeMU has {mean.shape[2]} columns, expected 1. {_REMEDY}")
    identity, expression = _vertices(path, "shapePC", fields), _vertices(path, "expPC", fields)
    for name, basis in (("shapePC", identity), ("expPC", expression)):
        if basis.shape[0] != len(mean):
            raise InputError(f"{path}: {name} has {basis.shape[0]} vertices, shapeMU has {len(mean)}. {_REMEDY}")
    triangles = _indices(path, "tri", fields["tri"], len(mean)).reshape(3, -1).T
    if "tri_mouth" in fields:
        mouth = _indices(path, "tri_mouth", fields["tri_mouth"], len(mean)).reshape(3, -1).T
        triangles = np.concatenate([triangles, mouth])
    landmarks = _indices(path, "kpt_ind", fields["kpt_ind"], len(mean)).ravel()
    if landmarks.shape != (LANDMARKS_68,):
        raise InputError(f"{path}: kpt_ind has {landmarks.size} landmarks, expected {LANDMARKS_68}. {_REMEDY}")
    return MorphableModel(
        mean[..., 0].astype(np.float32),
        identity.astype(np.float32),
        expression.astype(np.float32),
        np.ascontiguousarray(triangles, np.int32),
        _read_uv(uv_path or path.with_name(UV_FILE), len(mean)),
        landmarks.astype(np.int64),
    )


def read_coefficient_deviations(path: Path, model: MorphableModel) -> NDArray[np.float64]:
    """(K + L,) standard deviations of a model's coefficients, identity first.

    Raises:
        InputError: If the file does not have them.
    """
    fields = _read_fields(path, _DEVIATIONS)
    parts = []
    for name, basis in zip(_DEVIATIONS, (model.identity_basis, model.expression_basis), strict=True):
        deviations = finite_floats(path, name, fields[name], _REMEDY).ravel()
        if len(deviations) != basis.shape[2] or not (deviations > 0).all():
            raise InputError(
                f"{path}: {name} holds {len(deviations)} numbers, expected {basis.shape[2]} above 0. {_REMEDY}"
            )
        parts.append(deviations)
    return np.concatenate(parts)


def write_morphable_model(
    model: MorphableModel,
    path: Path,
    uv_path: Path | None = None,
    identity_deviations: NDArray[np.floating] | None = None,
) -> None:
    """Writes a model so that `read_morphable_model` reads it back; the mean goes into shapeMU.

    Args:
        model: The model.
        path: The model file.
        uv_path: Texture coordinates; by default `BFM_UV.mat` in the same folder.
        identity_deviations: (K,) standard deviations of the identity coefficients, 1 by default.
    """

    def interleaved(array: NDArray[np.float32]) -> NDArray[np.float32]:
        return array.reshape(3 * len(array), -1)

    components = model.identity_basis.shape[2]
    deviations = np.ones(components) if identity_deviations is None else identity_deviations
    fields = {
        "shapeMU": interleaved(model.mean),
        "shapePC": interleaved(model.identity_basis),
        "shapeEV": deviations.reshape(-1, 1).astype(np.float32),
        "expMU": np.zeros((3 * len(model.mean), 1), np.float32),
        "expPC": interleaved(model.expression_basis),
        "expEV": np.ones((model.expression_basis.shape[2], 1), np.float32),
        "tri": model.triangles.T + 1,
        "kpt_ind": model.landmark_vertices[None] + 1,
    }
    savemat(path, {"model": fields})
    savemat(uv_path or path.with_name(UV_FILE), {"UV": model.uv})


def _read_fields(path: Path, wanted: Sequence[str] = _FIELDS) -> dict[str, NDArray[np.generic]]:
    if path.is_dir() or not path.exists():
        raise InputError(f"{path}: there is no such model file. Give the path of BFM.mat. {_REMEDY}")
    arrays = read_mat(path)
    if "model" not in arrays:
        raw = " It looks like the raw 01_MorphableModel.mat." if "shapePC" in arrays else ""
        raise InputError(f"{path}: has no struct 'model'.{raw} {_REMEDY}")
    struct = arrays["model"]
    if struct.size != 1 or not struct.dtype.names:
        raise InputError(f"{path}: 'model' is not a struct. {_REMEDY}")
    record = struct.ravel()[0]
    missing = [name for name in wanted if name not in struct.dtype.names]
    if missing:
        raise InputError(f"{path}: 'model' lacks {', '.join(missing)}. {_REMEDY}")
    return {name: record[name] for name in (*wanted, "tri_mouth") if name in struct.dtype.names}


def _vertices(path: Path, name: str, fields: dict[str, NDArray[np.generic]]) -> NDArray[np.float64]:
    """(V, 3, components) of a vertex-interleaved array."""
    array = finite_floats(path, name, fields[name], _REMEDY)
    if array.ndim != 2 or array.shape[0] % 3 or not array.size:
        raise InputError(f"{path}: {name} has shape {array.shape}, expected (3 V, components). {_REMEDY}")
    return array.reshape(-1, 3, array.shape[1])


def _indices(path: Path, name: str, array: NDArray[np.generic], vertices: int) -> NDArray[np.int64]:
    """0-based vertex indices of a 1-based array."""
    indices = finite_floats(path, name, array, _REMEDY).astype(np.int64) - 1
    if name != "kpt_ind" and (indices.ndim != 2 or indices.shape[0] != 3):
        raise InputError(f"{path}: {name} has shape {indices.shape}, expected (3, triangles). {_REMEDY}")
    if indices.size and (indices.min() < 0 or indices.max() >= vertices):
        raise InputError(f"{path}: {name} points outside the {vertices} vertices (indices count from 1). {_REMEDY}")
    return indices


def _read_uv(path: Path, vertices: int) -> NDArray[np.float64]:
    if not path.is_file():
        raise InputError(
            f"{path}: there is no such file of texture coordinates. Set --data.face_model.uv_coordinates. {_REMEDY}"
        )
    arrays = read_mat(path)
    if "UV" not in arrays:
        raise InputError(f"{path}: has no array 'UV'. {_REMEDY}")
    uv = finite_floats(path, "UV", arrays["UV"], _REMEDY)
    if uv.shape != (vertices, 2):
        raise InputError(
            f"{path}: UV has shape {uv.shape}, but the model has {vertices} vertices. Do the two files belong together?"
        )
    if uv.min() < 0 or uv.max() > 1:
        raise InputError(f"{path}: UV leaves the range [0, 1]. {_REMEDY}")
    return uv
