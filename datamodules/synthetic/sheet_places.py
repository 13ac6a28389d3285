"""Points on a head, at given places of its sheet."""

from functools import cache

import numpy as np

from datamodules.synthetic.head import GRID, Array
from datamodules.synthetic.head_model import synthetic_model


def sheet_points(face: Array, angle_deg: Array, height: Array) -> Array:
    """(..., 3) points of a head at angles from the midline and heights of the sheet, interpolated.

    Args:
        face: (GRID, GRID, 3) the sheet of the head.
        angle_deg: (...) signed angles; beyond the sheet, its edge counts.
        height: (...) heights on the laid-out sheet.
    """
    angles, heights = _axes()
    places = np.arange(GRID)
    column = np.interp(angle_deg, angles, places)
    row = np.interp(-height, -heights, places)
    left, top = (np.minimum(place.astype(np.intp), GRID - 2) for place in (column, row))
    right, down = (column - left)[..., None], (row - top)[..., None]
    upper = face[top, left] * (1 - right) + face[top, left + 1] * right
    lower = face[top + 1, left] * (1 - right) + face[top + 1, left + 1] * right
    return np.asarray(upper * (1 - down) + lower * down)


@cache
def _axes() -> tuple[Array, Array]:
    """(GRID,) angles of the columns, and (GRID,) heights of the rows."""
    sheet = synthetic_model().sheet
    return sheet.angle_deg[0].copy(), sheet.height[:, 0].copy()
