"""Heads of the Surrey Face Model, which may not be copied here."""

import re
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


def surrey_heads(folder: Path, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """(N, 68, 3) landmarks of random heads in millimetres; NaN where the model has none.

    Args:
        folder: Holds sfm_shape_3448.bin and ibug_to_sfm.txt.
        count: Number of heads.
        rng: Draws the coefficients.
    """
    data, place = (folder / "sfm_shape_3448.bin").read_bytes(), 4  # after the version
    matrices = []
    for _ in range(3):
        rows, columns = struct.unpack_from("<ii", data, place)
        matrices.append(np.frombuffer(data, "<f4", rows * columns, place + 8).reshape(columns, rows).T)
        place += 8 + 4 * rows * columns
    mean, basis, variances = matrices
    coefficients = np.sqrt(variances) * rng.normal(size=(len(variances), count))
    heads = (mean + basis @ coefficients).T.reshape(count, -1, 3)
    landmarks = np.full((count, 68, 3), np.nan)
    for number, vertex in re.findall(r"^(\d+)\s*=\s*(\d+)", (folder / "ibug_to_sfm.txt").read_text(), re.MULTILINE):
        landmarks[:, int(number) - 1] = heads[:, int(vertex)]
    return landmarks
