"""Reads MATLAB files as dictionaries of arrays."""

import warnings
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.io import loadmat

from datamodules.errors import InputError
from datamodules.files.file_content import read_content
from datamodules.files.mat_structure import sound_arrays

HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_USER_BLOCK = 512  # MATLAB puts its own header in front of the HDF5 signature


def read_mat(path: Path, names: list[str] | None = None) -> dict[str, NDArray[np.generic]]:
    """The arrays of a MATLAB 5 file: numbers, text, and cells and structs of these.

    Args:
        path: The file.
        names: Read only these; the rest is not decoded.

    Raises:
        InputError: If the file is missing, empty, truncated, HDF5 or no MATLAB file.
    """
    return mat_arrays(read_content(path), path, names)


def mat_arrays(content: bytes, path: Path, names: list[str] | None = None) -> dict[str, NDArray[np.generic]]:
    """The arrays of the content of a MATLAB 5 file, as `read_mat` returns them.

    Args:
        content: The bytes of the file.
        path: Where they come from, for messages.
        names: Decode only these.

    Raises:
        InputError: If it is empty, truncated, HDF5 or no MATLAB file.
    """
    if content.startswith(HDF5_SIGNATURE) or content.startswith(HDF5_SIGNATURE, _USER_BLOCK):
        raise InputError(f"{path}: is an HDF5 (MATLAB 7.3) file. Save it again in MATLAB with save(..., '-v7').")
    try:
        sound = sound_arrays(content)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of names that occur twice
            wanted = [name for name in sound if names is None or name in names]
            arrays: dict[str, NDArray[np.generic]] = loadmat(BytesIO(content), variable_names=wanted) if wanted else {}
    # the exception that scipy raises depends on where the file is damaged
    except Exception as error:
        fault = " ".join(str(error).split())
        raise InputError(
            f"{path}: cannot be read: it is damaged or no MATLAB file ({fault}). Copy it again."
        ) from error
    return {name: array for name, array in arrays.items() if name in wanted}


def finite_floats(path: Path, name: str, array: NDArray[np.generic], remedy: str) -> NDArray[np.float64]:
    """The array in float64 (MATLAB stores all-zero arrays as uint8).

    Raises:
        InputError: If a value is not a finite number.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # of imaginary parts
            floats = np.asarray(array).astype(np.float64)
    except (TypeError, ValueError, OverflowError, Warning) as error:
        raise InputError(f"{path}: {name} is not numeric. {remedy}") from error
    if not np.isfinite(floats).all():
        raise InputError(f"{path}: {name} holds NaN or infinite numbers. {remedy}")
    return floats
