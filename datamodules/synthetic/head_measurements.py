"""Measures heads that are laid out like the synthetic one, between the points of the tables of anthropometry."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datamodules.synthetic.anthropometry import MEASUREMENTS, Kind, Measurement
from datamodules.synthetic.head import (
    EYE_CENTRE,
    EYE_HALF_WIDTH,
    GRID,
    MIDLINE,
    MOUTH_HEIGHT,
    Array,
    HeadSheet,
    lids,
    lip_borders,
    mouth_line,
)
from datamodules.synthetic.head_landmarks import landmark_vertices

# Where the points of the tables lie on the laid-out sheet: distance from the midline and height.
_MIDLINE_HEIGHTS = {
    "g": 20.0,
    "n": 8.0,
    "prn": -38.0,
    "ls": float(lip_borders(np.zeros(()))[0]),
    "sto": MOUTH_HEIGHT,
    "li": float(lip_borders(np.zeros(()))[1]),
    "pg": -104.0,
}
_LACRIMAL_LAKE = 2.0  # millimetres from the corner of the lids to the endocanthion
_FRONT = {
    "en": (EYE_CENTRE[0] - EYE_HALF_WIDTH - _LACRIMAL_LAKE, -0.6),
    "ex": (EYE_CENTRE[0] + EYE_HALF_WIDTH, -0.6),
    "ps": (EYE_CENTRE[0], float(lids(np.zeros(()))[0])),
    "pi": (EYE_CENTRE[0], float(lids(np.zeros(()))[1])),
    "al": (17.5, -42.5),
    "ch": (26.0, float(mouth_line(np.array(26.0)))),
}
_SIDE = {"eu": (90.0, 45.0), "zy": (65.0, -15.0), "go": (70.0, -80.0)}  # degrees from the midline, height
# The same points as iBUG's landmarks; the lips do not quite touch, and the stomion lies between them.
_LANDMARKS = {"gn": 8, "sn": 33, "upper_sto": 62, "lower_sto": 66, "bridge": 27, "dorsum": 29, "nostril": 31} | {
    f"jaw{i}": i for i in range(8)
}
_DIFFERENCE = 0.01  # millimetres, of numerical derivatives


@dataclass(frozen=True)
class MeasuredPair:
    """One measurement between two points, which are given as their numbers."""

    ends: tuple[int, int]
    kind: Kind

    def value(self, points: Array) -> float:
        """The measurement among (N, 3) points, in millimetres or degrees."""
        x, y, z = (points[self.ends[0]] - points[self.ends[1]]).tolist()
        match self.kind:
            case "distance":
                return float(np.sqrt(x * x + y * y + z * z))
            case "width":
                return abs(float(x))
            case "height":
                return float(y)
            case "depth":
                return float(-z)
            case _:
                return float(np.rad2deg(np.arctan2(-z, y)))

    def slopes(self, points: Array) -> Array:
        """(N, 3) derivatives with respect to the points."""
        slopes = np.zeros_like(points)
        for end in self.ends:
            for axis in range(3):
                step = np.zeros_like(points)
                step[end, axis] = _DIFFERENCE
                slopes[end, axis] = (self.value(points + step) - self.value(points - step)) / (2 * _DIFFERENCE)
        return slopes


class HeadMeasurements:
    """The points of the tables on the surface, and the measurements between them.

    Args:
        sheet: The mean head, with the coordinates that the points are placed by.

    Attributes:
        vertices: (N,) vertices of the points, on both sides of the head.
    """

    def __init__(self, sheet: HeadSheet) -> None:
        vertices = _vertices(sheet)
        self._numbers = {name: number for number, name in enumerate(vertices)}
        self.vertices: NDArray[np.intp] = np.array(list(vertices.values()))

    def values(self, head: Array, measurements: Iterable[Measurement] = MEASUREMENTS) -> Array:
        """(M,) measurements of a head of (GRID * GRID, 3) points."""
        points = head[self.vertices]
        return np.array([self.pairs(each.ends, each.kind)[0].value(points) for each in measurements])

    def pairs(self, ends: tuple[str, str], kind: Kind) -> list[MeasuredPair]:
        """A measurement by the names of its points, on both sides of the head if one of them is on a side."""
        upper, lower = ends
        if upper == lower:
            return [MeasuredPair((self._numbers[upper], self._numbers[f"{upper}'"]), kind)]
        sides = ("", "'") if {f"{upper}'", f"{lower}'"} & set(self._numbers) else ("",)
        return [MeasuredPair((self._number(upper, side), self._number(lower, side)), kind) for side in sides]

    def _number(self, name: str, side: str) -> int:
        return self._numbers.get(name + side, self._numbers[name])


def _vertices(sheet: HeadSheet) -> dict[str, int]:
    """Vertex of each point, and of its mirror image with a prime."""
    heights, landmarks = sheet.height, landmark_vertices(sheet)
    middle = heights[:, MIDLINE]
    chosen = {name: int(np.abs(middle - y).argmin()) * GRID + MIDLINE for name, y in _MIDLINE_HEIGHTS.items()}
    chosen |= {name: int(landmarks[number]) for name, number in _LANDMARKS.items()}
    for places, across in ((_FRONT, sheet.across), (_SIDE, sheet.angle_deg)):
        for name, (x, y) in places.items():
            chosen[name] = int(np.hypot(across + x, heights - y).argmin())
    for name, vertex in list(chosen.items()):
        row, column = divmod(vertex, GRID)
        if column != MIDLINE:
            chosen[f"{name}'"] = row * GRID + GRID - 1 - column
    return chosen
