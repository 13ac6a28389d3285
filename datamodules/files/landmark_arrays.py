"""Reads landmarks and yaw of many faces from one file: .npy, .npz or .mat."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from datamodules.errors import InputError
from datamodules.files.mat import read_mat
from datamodules.geometry.landmarks import LANDMARKS_68, LANDMARKS_81

_COUNTS = (LANDMARKS_68, LANDMARKS_81)
_SHAPES = "(N, 68, 3), (N, 3, 68), (N, 68, 2) or (N, 2, 68), or with 81"
_AFLW = 21  # landmarks of AFLW, of which only those in view are marked
_PLAIN = "Save numbers instead: np.save(path, np.stack(landmarks)), or np.savez(path, **landmarks) of a dictionary."
_PICKLES = (".pkl", ".pickle", ".pth", ".pt", ".t7")


def read_landmarks(path: Path) -> NDArray[np.float64]:
    """(N, 68 or 81, 2 or 3) landmarks of a file, whichever axis holds the coordinates.

    Raises:
        InputError: If there is no such array, or a value is not finite.
    """
    return checked_landmarks(read_rows(path), path)


def read_rows(path: Path) -> NDArray[np.float64]:
    """The only array of three dimensions in a file, as it is stored.

    Raises:
        InputError: If there is no such array, or there are several.
    """
    return _read(path, dimensions=3)


def checked_landmarks(array: NDArray[np.float64], path: Path) -> NDArray[np.float64]:
    """(N, 68 or 81, 2 or 3) landmarks of an array of three dimensions, whichever axis holds the coordinates.

    Args:
        array: The array.
        path: Its file, for messages.

    Raises:
        InputError: If the array has another shape, or a value is not finite.
    """
    if array.shape[1] in (2, 3) and array.shape[2] in _COUNTS:
        array = array.transpose(0, 2, 1)
    if array.shape[1] not in _COUNTS or array.shape[2] not in (2, 3):
        of_aflw = f" The {_AFLW} of AFLW do not contain them." if _AFLW in array.shape[1:] else ""
        raise InputError(f"{path}: holds an array of {_shape(array)}; landmarks have {_SHAPES}.{of_aflw}")
    if len(faces := np.flatnonzero(~np.isfinite(array).all(axis=(1, 2)))):
        raise InputError(
            f"{path}: the landmarks of face {faces[0]} (counted from 0; {len(faces)} in all) hold NaN or infinity. "
            "Leave these faces out of all files, or give them the best estimate of the method."
        )
    return np.ascontiguousarray(array)


def read_points(path: Path) -> NDArray[np.float64]:
    """(68, 3) landmarks of one face.

    Raises:
        InputError: If there are none.
    """
    array = _read(path, dimensions=2)
    if array.shape != (LANDMARKS_68, 3) or not np.isfinite(array).all():
        raise InputError(f"{path}: holds an array of {_shape(array)}, or NaN; the landmarks of a mesh are (68, 3).")
    return array


def read_yaw(path: Path) -> NDArray[np.float64]:
    """(N,) yaw of a file, in its unit.

    Raises:
        InputError: If there is no such array, or a value is not finite.
    """
    array = _read(path, dimensions=1)
    if not np.isfinite(array).all():
        raise InputError(f"{path}: the yaw of face {np.flatnonzero(~np.isfinite(array))[0]} is NaN or infinity.")
    return array


def _read(path: Path, dimensions: int) -> NDArray[np.float64]:
    """The only array with this number of dimensions; for 1, dimensions of length 1 are dropped."""
    arrays = read_arrays(path)
    if dimensions == 1:
        arrays = {
            name: array.ravel() if array.ndim and array.size == max(array.shape) else array
            for name, array in arrays.items()
        }
    matching = {name: array for name, array in arrays.items() if array.ndim == dimensions and array.size}
    if len(matching) != 1:
        contents = ", ".join(f"{name or 'an array'} {_shape(array)}" for name, array in arrays.items()) or "nothing"
        wanted = {1: "(N,)", 2: "(68, 3)", 3: _SHAPES}[dimensions]
        raise InputError(f"{path}: holds {contents}; it must hold exactly one array of {wanted}.")
    (array,) = matching.values()
    return array.astype(np.float64)


def read_arrays(path: Path) -> dict[str, NDArray[np.number]]:
    """All arrays of numbers in a file, by name; that of a .npy file has an empty one.

    Raises:
        InputError: If the file is missing, damaged, pickled or of another kind.
    """
    if not path.is_file():
        raise InputError(
            f"{path}: there is no such file of landmarks or yaws. Write it, or give another folder or file."
        )
    try:
        match path.suffix.lower():
            case ".npy":
                arrays = {"": np.load(path, allow_pickle=False)}
            case ".npz":
                with np.load(path, allow_pickle=False) as archive:
                    arrays = dict(archive)
            case ".mat":
                arrays = {name: np.asarray(value) for name, value in read_mat(path).items()}
            case ending if ending in _PICKLES:
                raise InputError(f"{path}: is a pickle, which is not opened since it can run code. {_PLAIN}")
            case _:
                raise InputError(f"{path}: is no .npy, .npz or .mat file. Save the array as one of these.")
    except InputError:
        raise
    # a damaged file can fail in many ways inside numpy
    except Exception as error:
        if path.suffix.lower() in (".npy", ".npz") and "allow_pickle" in str(error):
            raise InputError(
                f"{path}: cannot be read: it holds pickled objects, which can run code. {_PLAIN}"
            ) from error
        raise InputError(f"{path}: cannot be read ({error}). Save the array again.".replace("\n", " ")) from error
    return {
        name: value for name, value in arrays.items() if isinstance(value, np.ndarray) and value.dtype.kind in "iuf"
    }


def _shape(array: NDArray[np.number]) -> str:
    return str(tuple(array.shape))
