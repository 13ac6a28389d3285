"""The size of a face, which errors are normalised by: sqrt(w * h) of the box of its landmarks."""

import numpy as np
from numpy.typing import NDArray


def box_size(points_px: NDArray[np.floating]) -> NDArray[np.floating]:
    """(...) sqrt(w * h) in pixels of the boxes of (..., L, 2 or 3) points; 0 where they span no area."""
    return np.asarray(np.sqrt(np.ptp(points_px[..., :2], axis=-2).prod(axis=-1)))
