"""Places the 68 landmarks on the mean head."""

import numpy as np
from numpy.typing import NDArray

from datamodules.geometry.landmarks import MIRROR_68
from datamodules.synthetic.head import (
    EYE_CENTRE,
    EYE_HALF_WIDTH,
    GRID,
    MIDLINE,
    Array,
    HeadSheet,
    lens,
    lip_borders,
    mouth_line,
)

# The left half of the image, where x is negative; points at x = 0 lie on the midline.
_JAW = [
    (-88.5, 0.0),
    (-87.5, -19.0),
    (-85.0, -38.0),
    (-79.0, -57.0),
    (-69.0, -75.0),
    (-56.0, -91.0),
    (-39.0, -104.0),
    (-20.0, -113.0),
    (0.0, -116.0),
]  # degrees from the midline, height
_BROW = [(-56.0, 15.0), (-50.0, 22.0), (-39.0, 25.0), (-27.0, 23.5), (-15.5, 19.0)]
_BRIDGE = [(0.0, 3.0), (0.0, -10.5), (0.0, -24.0), (0.0, -37.5)]
_NOSTRILS = [(-14.5, -46.0), (-7.5, -48.5), (0.0, -49.5)]
_LID_OFFSET = 5.3  # from the middle of the eye to the two points of each lid
_UPPER_LID, _LOWER_LID = 5.6, -4.0


def landmark_vertices(sheet: HeadSheet) -> NDArray[np.int64]:
    """(68,) vertices of the landmarks; mirror pairs lie in mirrored columns."""
    targets: dict[int, tuple[float, float]] = {}
    for first, places in ((17, _BROW), (27, _BRIDGE), (31, _NOSTRILS)):
        targets |= {first + i: place for i, place in enumerate(places)}
    x = EYE_CENTRE[0]
    eye = [
        (-x - EYE_HALF_WIDTH, -0.6),
        (-x - _LID_OFFSET, _UPPER_LID),
        (-x + _LID_OFFSET, _UPPER_LID),
        (-x + EYE_HALF_WIDTH, -0.6),
        (-x + _LID_OFFSET, _LOWER_LID),
        (-x - _LID_OFFSET, _LOWER_LID),
    ]
    targets |= {36 + i: place for i, place in enumerate(eye)}
    targets |= _mouth()
    vertices = np.full(68, -1, np.int64)
    for landmark, (across, height) in targets.items():
        vertices[landmark] = _nearest(sheet.across, sheet.height, across, height)
    for landmark, (angle_deg, height) in enumerate(_JAW):
        # a degree is a little over a millimetre there
        vertices[landmark] = _nearest(sheet.angle_deg, sheet.height, angle_deg, height)
    for missing in np.flatnonzero(vertices < 0).tolist():
        row, col = divmod(int(vertices[MIRROR_68[missing]]), GRID)
        vertices[missing] = row * GRID + (GRID - 1 - col)
    return vertices


def _mouth() -> dict[int, tuple[float, float]]:
    def upper(x: float) -> float:
        return float(lip_borders(np.array(x))[0])

    def lower(x: float) -> float:
        return float(lip_borders(np.array(x))[1])

    def line(x: float) -> float:
        return float(mouth_line(np.array(x)))

    def opening(x: float) -> float:
        return float(lens(np.array(x)))

    return {
        48: (-26.0, line(26.0)),
        49: (-16.0, upper(16.0)),
        50: (-6.0, upper(6.0)),
        51: (0.0, upper(0.0)),
        57: (0.0, lower(0.0)),
        58: (-7.5, lower(7.5)),
        59: (-16.0, lower(16.0)),
        60: (-22.5, line(22.5)),
        61: (-9.0, line(9.0) + opening(9.0)),
        62: (0.0, line(0.0) + opening(0.0)),
        66: (0.0, line(0.0) - opening(0.0)),
        67: (-9.0, line(9.0) - opening(9.0)),
    }


def _nearest(across: Array, height: Array, x: float, y: float) -> int:
    distance = np.hypot(across - x, height - y)
    if x == 0:
        return int(distance[:, MIDLINE].argmin()) * GRID + MIDLINE
    return int(distance.argmin())
