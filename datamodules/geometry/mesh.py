"""A surface of triangles, as files hold it."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Mesh(NamedTuple):
    """(V, 3) vertices and (F, 3) triangles."""

    vertices: NDArray[np.float64]
    triangles: NDArray[np.int64]
