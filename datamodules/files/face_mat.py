"""The .mat file of a fitted photograph (300W-3D, 300W-LP, AFLW2000-3D), read and written."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.io import savemat

from datamodules.errors import InputError
from datamodules.files.mat import finite_floats, read_mat
from datamodules.geometry.landmarks import LANDMARKS_68
from datamodules.types import FaceParameters

IDENTITY_COEFFICIENTS, EXPRESSION_COEFFICIENTS = 199, 29  # of these data sets (Zhu et al., 2016)
_POSE_PARAMETERS = 7  # pitch, yaw, roll, tx, ty, tz, scale
_REMEDY = "Is it a sample of 300W-3D, 300W-LP or AFLW2000-3D? Copy it again, or remove it."
_SIZES = {
    "Shape_Para": IDENTITY_COEFFICIENTS,
    "Exp_Para": EXPRESSION_COEFFICIENTS,
    "Pose_Para": _POSE_PARAMETERS,
}
_LANDMARKS = "pt3d_68"


def read_face_mat(path: Path) -> FaceParameters:
    """The parameters of one sample: 199 identity and 29 expression coefficients, pose and landmarks.

    Raises:
        InputError: If the file is damaged, lacks a key, or holds NaN or a wrong shape.
    """
    arrays = read_mat(path, [*_SIZES, _LANDMARKS])
    numbers = {name: _vector(path, name, size, arrays) for name, size in _SIZES.items()}
    if numbers["Pose_Para"][-1] <= 0:
        raise InputError(f"{path}: Pose_Para has scale {numbers['Pose_Para'][-1]:g}, expected more than 0. {_REMEDY}")
    landmarks = None
    if _LANDMARKS in arrays:
        points = finite_floats(path, _LANDMARKS, arrays[_LANDMARKS], _REMEDY)
        if points.shape != (3, LANDMARKS_68):
            raise InputError(f"{path}: {_LANDMARKS} has shape {points.shape}, expected (3, {LANDMARKS_68}). {_REMEDY}")
        if not np.ptp(points[:2], axis=1).all():
            raise InputError(f"{path}: {_LANDMARKS} spans no area. {_REMEDY}")
        landmarks = (points - [[1], [1], [0]]).T.astype(np.float32)  # on disk x and y count from 1
    return FaceParameters(
        numbers["Shape_Para"].astype(np.float32),
        numbers["Exp_Para"].astype(np.float32),
        numbers["Pose_Para"].astype(np.float32),
        landmarks,
    )


def write_face_mat(path: Path, face: FaceParameters, image_size: tuple[int, int] | None = None) -> None:
    """Writes a sample in the form that `read_face_mat` reads, with zeros for the coefficients that it lacks.

    Args:
        path: The file.
        face: The parameters; 3-D landmarks are written as 2-D ones too (pt2d).
        image_size: Width, height of the photograph; the region of interest (roi) is the whole photograph.

    Raises:
        InputError: If there are more than 199 identity or 29 expression coefficients.
    """
    arrays: dict[str, NDArray[np.generic]] = {}
    if image_size is not None:
        arrays["roi"] = np.array([[1, 1, *image_size]], np.int16)
    if face.landmarks_image_px is not None:
        landmarks = (face.landmarks_image_px + np.array([1, 1, 0], np.float32)).T
        arrays |= {"pt2d": landmarks[:2], _LANDMARKS: landmarks}
    arrays |= {
        "Shape_Para": _padded(path, "identity", face.identity, IDENTITY_COEFFICIENTS)[:, None],
        "Exp_Para": _padded(path, "expression", face.expression, EXPRESSION_COEFFICIENTS)[:, None],
        "Pose_Para": face.pose[None],
    }
    savemat(path, arrays)


def _padded(path: Path, kind: str, coefficients: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    if len(coefficients) > size:
        raise InputError(
            f"{path}: cannot hold {len(coefficients)} {kind} coefficients, only {size}. Use a face model of at most "
            f"{IDENTITY_COEFFICIENTS} identity and {EXPRESSION_COEFFICIENTS} expression components."
        )
    return np.pad(coefficients, (0, size - len(coefficients)))


def _vector(path: Path, name: str, size: int, arrays: dict[str, NDArray[np.generic]]) -> NDArray[np.float64]:
    if name not in arrays:
        raise InputError(f"{path}: has no {name}. {_REMEDY}")
    array = finite_floats(path, name, arrays[name], _REMEDY)
    if array.size != size or array.ndim != 2 or 1 not in array.shape:
        raise InputError(f"{path}: {name} has shape {array.shape}, expected ({size}, 1). {_REMEDY}")
    return array.ravel()
