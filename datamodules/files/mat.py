"""Reads MATLAB files as dictionaries of arrays."""

import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.io import loadmat
from scipy.io.matlab import MatReadError

from datamodules.errors import InputError

HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_USER_BLOCK = 512  # MATLAB puts its own header in front of the HDF5 signature


def read_mat(path: Path, names: list[str] | None = None) -> dict[str, NDArray[np.generic]]:
    """The arrays of a MATLAB 5 file.

    Args:
        path: The file.
        names: Read only these; the rest is not decoded.

    Raises:
        InputError: If the file is missing, empty, truncated, HDF5 or no MATLAB file.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_USER_BLOCK + len(HDF5_SIGNATURE))
            if HDF5_SIGNATURE in (head[: len(HDF5_SIGNATURE)], head[_USER_BLOCK:]):
                raise InputError(
                    f"{path}: is an HDF5 (MATLAB 7.3) file. Save it again in MATLAB with save(..., '-v7')."
                )
            file.seek(0)
            arrays: dict[str, NDArray[np.generic]] = loadmat(file, variable_names=names)
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror or error}). Check the path and its permissions."
        ) from error
    except InputError:
        raise
    # the exception that scipy raises depends on where the file is damaged
    except (
        MatReadError,
        ValueError,
        TypeError,
        KeyError,
        IndexError,
        EOFError,
        zlib.error,
        MemoryError,
        NotImplementedError,
        OverflowError,
    ) as error:
        raise InputError(f"{path}: is damaged or no MATLAB file ({error}). Copy it again.") from error
    return arrays


def finite_floats(path: Path, name: str, array: NDArray[np.generic], remedy: str) -> NDArray[np.float64]:
    """The array in float64 (MATLAB stores all-zero arrays as uint8).

    Raises:
        InputError: If a value is not a finite number.
    """
    try:
        floats = np.asarray(array).astype(np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{path}: {name} is not numeric. {remedy}") from error
    if not np.isfinite(floats).all():
        raise InputError(f"{path}: {name} holds NaN or infinite numbers. {remedy}")
    return floats
