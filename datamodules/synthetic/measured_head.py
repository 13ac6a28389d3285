"""The head of given measurements: the smoothest deformation of the mean head that gives its points these distances.

The displacement of the surface is a Gaussian process over the laid-out sheet, conditioned on what the tables say. So is
the spread: what a head differs by whose nose, say, is a millimetre longer than the mean, with all else equal.
"""

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
_LANDMARKS = {"gn": 8, "sn": 33, "bridge": 27, "dorsum": 29} | {
    f"jaw{i}": i for i in range(8)
}  # the same points as iBUG's

# Where annotators place iBUG's landmarks that no table has: the contour starts a little below the eyes, descends in equal
# steps to the angle of the jaw and follows its body to the chin; the bridge of the nose starts between the eyes.
_CONVENTIONS: tuple[tuple[tuple[str, str], Kind, float], ...] = (
    (("n", "ex"), "height", 6.0),
    (("bridge", "ex"), "height", 0.5),
    *((("ex", f"jaw{i}"), "height", 5.0 + 18.0 * i) for i in range(5)),
    (("gn", "jaw5"), "depth", -45.0),
    (("gn", "jaw6"), "depth", -25.0),
    (("gn", "jaw7"), "depth", -8.0),
)

_LENGTHS = ((45.0, 1.0), (14.0, 0.35))  # millimetres over which the surface moves together, and share of the movement
_MOVEMENT = 6.0  # prior standard deviation of the displacement, in millimetres
_TOLERANCE = 0.1  # of a measurement, in millimetres or degrees
_STEPS = 8
_SIZE_SHARE = 0.3  # of the variance of lengths that is common to all, since large heads are large all over
SUMS = 2  # features of the measured head that are linear functions of others: sex and size
_DIFFERENCE = 0.01  # millimetres, of numerical derivatives


@dataclass(frozen=True)
class _Row:
    """One measurement between two points, given as their numbers."""

    ends: tuple[int, int]
    kind: Kind

    def value(self, points: Array) -> float:
        x, y, z = points[self.ends[0]] - points[self.ends[1]]
        match self.kind:
            case "distance":
                return float(np.hypot(np.hypot(x, y), z))
            case "width":
                return float(np.hypot(x, 0.0))
            case "height":
                return float(y)
            case "depth":
                return float(-z)
            case _:
                return float(np.rad2deg(np.arctan2(-z, y)))


@dataclass(frozen=True, eq=False)
class MeasuredHead:
    """The mean head of the tables, and what heads differ by.

    Attributes:
        points: (GRID, GRID, 3) the mean head of women and men.
        features: (GRID, GRID, 3) displacements, each of one standard deviation.
        deformation: What turns the head without tables into the mean head.
    """

    points: Array
    features: list[Array]
    deformation: "Deformation"


def measured_head(sheet: HeadSheet) -> MeasuredHead:
    """The mean head of the tables of `MEASUREMENTS`, and their spread.

    People differ by sex, by their size, and by each measurement for itself.

    Args:
        sheet: The mean head without tables.
    """
    measurements = HeadMeasurements(sheet)
    deformation = measurements.deformation(np.array([measurement.mean for measurement in MEASUREMENTS]))
    per_unit = np.moveaxis(deformation.per_unit, 0, -1)
    deviations = np.array([measurement.deviation for measurement in MEASUREMENTS])
    is_length = np.array([measurement.kind != "inclination" for measurement in MEASUREMENTS])
    between_sexes = np.array([measurement.men.mean - measurement.women.mean for measurement in MEASUREMENTS]) / 2
    own = deviations * np.where(is_length, np.sqrt(1 - _SIZE_SHARE), 1.0)
    size = deviations * np.where(is_length, np.sqrt(_SIZE_SHARE), 0.0)
    features = [per_unit @ between_sexes, per_unit @ size, *np.moveaxis(per_unit * own, -1, 0)]
    return MeasuredHead(sheet.points + deformation.mean, features, deformation)


@dataclass(frozen=True, eq=False)
class Deformation:
    """What gives the mean head the measurements of the tables.

    Attributes:
        mean: (GRID, GRID, 3) displacement to the mean head of women and men.
        per_unit: (M, GRID, GRID, 3) displacements by which one measurement grows by a millimetre or a degree.
        slopes: (M, N, 3) derivatives of the measurements with respect to N vertices.
        vertices: (N,) these vertices.
    """

    mean: Array
    per_unit: Array
    slopes: Array
    vertices: NDArray[np.intp]

    def unmeasured(self, feature: Array) -> Array:
        """The part of a (GRID, GRID, 3) feature that leaves all measurements as they are."""
        moved = feature.reshape(-1, 3)[self.vertices]
        changes = np.einsum("mna,na->m", self.slopes, moved)
        return np.asarray(feature - np.einsum("m,m...->...", changes, self.per_unit))


class HeadMeasurements:
    """Measurements of heads that are laid out like the mean head.

    Args:
        sheet: The mean head, with the coordinates that the points are placed by.
    """

    def __init__(self, sheet: HeadSheet) -> None:
        self._points = sheet.points.reshape(-1, 3)
        self._vertices = _vertices(sheet)
        self._numbers = {name: number for number, name in enumerate(self._vertices)}

    def values(self, head: Array, measurements: Iterable[Measurement] = MEASUREMENTS) -> Array:
        """(M,) measurements of a head of (GRID * GRID, 3) points."""
        points = self._of(head)
        return np.array(
            [self._rows(measurement.ends, measurement.kind)[0].value(points) for measurement in measurements]
        )

    def deformation(self, targets: Array) -> Deformation:
        """The smoothest deformation to a head of given measurements, with iBUG's landmarks at their usual places.

        Args:
            targets: (M,) values of `MEASUREMENTS`.
        """
        groups = [self._rows(measurement.ends, measurement.kind) for measurement in MEASUREMENTS]
        counts = [len(group) for group in groups]
        rows, wanted = [row for group in groups for row in group], list(np.repeat(targets, counts))
        measured = len(rows)
        for ends, kind, value in _CONVENTIONS:
            placed = self._rows(ends, kind)
            rows, wanted = rows + placed, wanted + [value] * len(placed)
        start = self._of(self._points)
        among = _kernel(start, start)
        points = start
        for _ in range(_STEPS):
            jacobian = _jacobian(rows, points)
            lacking = np.array(wanted) - [row.value(points) for row in rows]
            lacking += np.einsum("mna,na->m", jacobian, points - start)
            weights = np.einsum("mna,m->na", jacobian, np.linalg.solve(_gram(jacobian, among), lacking))
            points = start + among @ weights
        reach = _kernel(self._points, start)
        jacobian = jacobian[:measured]  # landmarks by convention follow the measurements
        is_of = np.repeat(np.eye(len(counts)), counts, axis=0)
        shares = np.linalg.solve(_gram(jacobian, among), is_of)
        per_unit = [reach @ np.einsum("mna,m->na", jacobian, share) for share in shares.T]
        slopes = np.einsum("mg,mna->gna", is_of / counts, jacobian)
        vertices = np.array(list(self._vertices.values()))
        return Deformation(
            _symmetric(reach @ weights), np.stack([_symmetric(field) for field in per_unit]), slopes, vertices
        )

    def _of(self, head: Array) -> Array:
        return np.asarray(head[list(self._vertices.values())])

    def _rows(self, ends: tuple[str, str], kind: Kind) -> list[_Row]:
        """The measurement, on both sides of the head if one of its points is on a side."""
        upper, lower = ends
        if upper == lower:
            return [_Row((self._numbers[upper], self._numbers[f"{upper}'"]), kind)]
        sides = ("", "'") if {f"{upper}'", f"{lower}'"} & set(self._numbers) else ("",)
        return [_Row((self._number(upper, side), self._number(lower, side)), kind) for side in sides]

    def _number(self, name: str, side: str) -> int:
        return self._numbers.get(name + side, self._numbers[name])


def _vertices(sheet: HeadSheet) -> dict[str, int]:
    """Vertex of each point, and of its mirror image with a prime."""
    heights, landmarks = sheet.height, landmark_vertices(sheet)
    chosen = {
        name: int(np.abs(heights[:, MIDLINE] - y).argmin()) * GRID + MIDLINE for name, y in _MIDLINE_HEIGHTS.items()
    }
    chosen |= {name: int(landmarks[number]) for name, number in _LANDMARKS.items()}
    for places, across in ((_FRONT, sheet.across), (_SIDE, sheet.angle_deg)):
        for name, (x, y) in places.items():
            chosen[name] = int(np.hypot(across + x, heights - y).argmin())
    for name, vertex in list(chosen.items()):
        row, column = divmod(vertex, GRID)
        if column != MIDLINE:
            chosen[f"{name}'"] = row * GRID + GRID - 1 - column
    return chosen


def _jacobian(rows: list[_Row], points: Array) -> Array:
    """(M, N, 3) derivatives of measurements with respect to the points."""
    jacobian = np.zeros((len(rows), *points.shape))
    for number, row in enumerate(rows):
        for end in row.ends:
            for axis in range(3):
                step = np.zeros_like(points)
                step[end, axis] = _DIFFERENCE
                jacobian[number, end, axis] = (row.value(points + step) - row.value(points - step)) / (2 * _DIFFERENCE)
    return jacobian


def _gram(jacobian: Array, among: Array) -> Array:
    """(M, M) prior covariance of measurements, with their tolerance."""
    moved = np.einsum("mna,nk->mka", jacobian, among)
    return np.asarray(np.einsum("mka,lka->ml", moved, jacobian) + _TOLERANCE**2 * np.eye(len(jacobian)))


def _kernel(a: Array, b: Array) -> Array:
    """(A, B) prior covariance of the displacements of points."""
    squared = ((a[:, None] - b[None]) ** 2).sum(axis=-1)
    shares = [share * np.exp(-squared / (2 * length**2)) for length, share in _LENGTHS]
    return np.asarray(_MOVEMENT**2 * np.sum(shares, axis=0))


def _symmetric(field: Array) -> Array:
    """(GRID, GRID, 3) the symmetric part of a displacement."""
    sheet = field.reshape(GRID, GRID, 3)
    return np.asarray((sheet + sheet[:, ::-1] * [-1, 1, 1]) / 2)
