"""Triangle meshes of faces, with and without a texture."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Mesh(NamedTuple):
    """(V, 3) vertices and (F, 3) triangles."""

    vertices: NDArray[np.float64]
    triangles: NDArray[np.int64]


class TexturedMesh(NamedTuple):
    """The textured mesh of a face, y upwards, z towards the viewer.

    Attributes:
        vertices: (V, 3) in pixels of its photograph.
        triangles: (F, 3), counter-clockwise as seen from outside.
        uv: (V, 2) texture coordinates: the corners of the image are 0 and 1, v upwards.
        texture: (S, S, 3) uint8 RGB.
        is_visible: (V,) whether the photograph shows the vertex.
        metres_per_pixel: Estimated size of a pixel.
    """

    vertices: NDArray[np.float64]
    triangles: NDArray[np.int32]
    uv: NDArray[np.float64]
    texture: NDArray[np.uint8]
    is_visible: NDArray[np.bool_]
    metres_per_pixel: float
