"""A surface of triangles, as files hold it."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Mesh(NamedTuple):
    """(V, 3) vertices and (F, 3) triangles."""

    vertices: NDArray[np.float64]
    triangles: NDArray[np.int64]


class TexturedMesh(NamedTuple):
    """A face to be looked at, y upwards, z towards who looks.

    Attributes:
        vertices: (V, 3) in pixels of its photograph.
        triangles: (F, 3), counter-clockwise as seen from outside.
        uv: (V, 2) texture coordinates as files have them: the image's corners are 0 and 1, v upwards.
        texture: (S, S, 3) uint8 RGB.
        is_visible: (V,) whether the photograph shows the vertex.
        metres: A pixel, roughly.
    """

    vertices: NDArray[np.float64]
    triangles: NDArray[np.int32]
    uv: NDArray[np.float64]
    texture: NDArray[np.uint8]
    is_visible: NDArray[np.bool_]
    metres: float
