"""Reads a custom weight mask: a .npy file with a weight for each texel."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from datamodules.errors import InputError
from datamodules.geometry.uv_layout import MAP_SIZE


def read_weight_map(path: Path) -> NDArray[np.float32]:
    """(256, 256) float32 weights with mean 1 over the texels with a weight above 0.

    Args:
        path: A .npy file of (256, 256) numbers of at least 0; only their ratios matter.

    Raises:
        InputError: If the file does not exist, or holds something else.
    """
    option = "--model.weight_map"
    try:
        weights = np.load(path.expanduser(), allow_pickle=False)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error}). Set {option}.") from error
    # a damaged file can fail in many ways inside numpy
    except Exception as error:
        raise InputError(f"{path}: is no .npy file of numbers. Set {option} to one.") from error
    if not isinstance(weights, np.ndarray) or weights.shape != (MAP_SIZE, MAP_SIZE) or weights.dtype.kind not in "buif":
        kind = f"{weights.dtype} of shape {weights.shape}" if isinstance(weights, np.ndarray) else "several arrays"
        raise InputError(f"{path}: holds {kind}. Give {option} numbers of shape {(MAP_SIZE, MAP_SIZE)}.")
    if not np.isfinite(weights).all() or (weights < 0).any() or not weights.any():
        raise InputError(f"{path}: give {option} finite weights of at least 0, not all of them 0.")
    numbers = weights.astype(np.float64)
    scaled: NDArray[np.float32] = (numbers / numbers[numbers > 0].mean()).astype(np.float32)
    return scaled
