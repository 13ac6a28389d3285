"""The head of given measurements: the smoothest deformation of the mean head that gives its points these distances.

The displacement of the surface is a Gaussian process over the head, conditioned on what the tables say. So is the
spread: what a head differs by whose nose, say, is a millimetre longer than the mean, with all else equal.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datamodules.synthetic.anthropometry import MEASUREMENTS, Kind
from datamodules.synthetic.head import GRID, Array, HeadSheet
from datamodules.synthetic.head_measurements import HeadMeasurements, MeasuredPair

Placed = tuple[tuple[str, str], Kind, float]  # two points, what is measured between them, and its value

# Where annotators place iBUG's landmarks that no table has: the contour starts a little below the eyes, descends in equal
# steps to the angle of the jaw and follows its body to the chin; the bridge of the nose starts between the eyes, and the
# outer points under the nose lie at the feet of its wings. Millimetres.
_CONVENTIONS: tuple[Placed, ...] = (
    (("n", "ex"), "height", 7.0),
    (("bridge", "ex"), "height", 0.5),
    (("nostril", "nostril"), "width", 27.0),
    *((("ex", f"jaw{i}"), "height", 7.0 + 18.0 * i) for i in range(5)),
    (("gn", "jaw5"), "depth", -45.0),
    (("gn", "jaw6"), "depth", -25.0),
    (("gn", "jaw7"), "depth", -8.0),
)

# The lips of all heads touch.
_CLOSED: tuple[Placed, ...] = ((("upper_sto", "sto"), "height", 1.0), (("sto", "lower_sto"), "height", 1.0))

_LENGTHS = ((45.0, 1.0), (14.0, 0.35))  # millimetres over which the surface moves together, and share of the movement
_MOVEMENT = 6.0  # prior standard deviation of the displacement, in millimetres
_TOLERANCE = 0.1  # of a measurement, in millimetres or degrees
_STEPS = 8
_SIZE_SHARE = 0.3  # of the variance of lengths that is common to all, since large heads are large all over
SUMS = 2  # features of the measured head that are linear functions of others: sex and size


@dataclass(frozen=True, eq=False)
class Deformation:
    """What turns a head into one of other measurements.

    Attributes:
        mean: (GRID, GRID, 3) displacement to the measurements that were asked for.
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
        changes = np.einsum("mna,na->m", self.slopes, feature.reshape(-1, 3)[self.vertices])
        return np.asarray(feature - np.einsum("m,m...->...", changes, self.per_unit))


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
    deformation: Deformation


def measured_head(sheet: HeadSheet) -> MeasuredHead:
    """The mean head of the tables of `MEASUREMENTS`, and their spread.

    People differ by sex, by their size, and by each measurement for itself.

    Args:
        sheet: The mean head without tables.
    """
    deformation = deform(sheet, np.array([measurement.mean for measurement in MEASUREMENTS]), _CONVENTIONS)
    per_unit = np.moveaxis(deformation.per_unit, 0, -1)
    deviations = np.array([measurement.deviation for measurement in MEASUREMENTS])
    is_length = np.array([measurement.kind != "inclination" for measurement in MEASUREMENTS])
    between_sexes = np.array([measurement.men.mean - measurement.women.mean for measurement in MEASUREMENTS]) / 2
    own = deviations * np.where(is_length, np.sqrt(1 - _SIZE_SHARE), 1.0)
    size = deviations * np.where(is_length, np.sqrt(_SIZE_SHARE), 0.0)
    features = [per_unit @ between_sexes, per_unit @ size, *np.moveaxis(per_unit * own, -1, 0)]
    return MeasuredHead(sheet.points + deformation.mean, features, deformation)


def deform(sheet: HeadSheet, targets: Array, conventions: tuple[Placed, ...] = ()) -> Deformation:
    """The smoothest deformation to a head of given measurements, whose mouth is closed.

    Args:
        sheet: The head.
        targets: (M,) values of `MEASUREMENTS`.
        conventions: Further measurements of the new head, which follow the others in what heads differ by.
    """
    measurements = HeadMeasurements(sheet)
    groups = [measurements.pairs(measurement.ends, measurement.kind) for measurement in MEASUREMENTS]
    is_of = np.repeat(np.eye(len(groups)), [len(group) for group in groups], axis=0)
    pairs, wanted = [pair for group in groups for pair in group], (is_of @ targets).tolist()
    measured = len(pairs)
    for ends, kind, value in (*_CLOSED, *conventions):
        placed = measurements.pairs(ends, kind)
        pairs, wanted = pairs + placed, wanted + [value] * len(placed)
    surface = sheet.points.reshape(-1, 3)
    start = surface[measurements.vertices]
    among = _kernel(start, start)
    points = start
    for _ in range(_STEPS):
        slopes = _slopes(pairs, points)
        lacking = np.array(wanted) - [pair.value(points) for pair in pairs]
        lacking += np.einsum("mna,na->m", slopes, points - start)
        weights = np.einsum("mna,m->na", slopes, np.linalg.solve(_covariance(slopes, among), lacking))
        points = start + among @ weights
    reach = _kernel(surface, start)
    held = measured + len(_CLOSED)  # conventions are not: these landmarks follow the others
    slopes = _slopes(pairs[:held], points)
    is_of = np.concatenate([is_of, np.zeros((held - measured, len(groups)))])
    shares = np.linalg.solve(_covariance(slopes, among), is_of)
    per_unit = [_symmetric(reach @ np.einsum("mna,m->na", slopes, share)) for share in shares.T]
    means = np.einsum("mg,mna->gna", is_of / is_of.sum(axis=0), slopes)
    return Deformation(_symmetric(reach @ weights), np.stack(per_unit), means, measurements.vertices)


def _slopes(pairs: list[MeasuredPair], points: Array) -> Array:
    return np.stack([pair.slopes(points) for pair in pairs])


def _covariance(slopes: Array, among: Array) -> Array:
    """(M, M) prior covariance of measurements, with their tolerance."""
    moved = np.einsum("mna,nk->mka", slopes, among)
    return np.asarray(np.einsum("mka,lka->ml", moved, slopes) + _TOLERANCE**2 * np.eye(len(slopes)))


def _kernel(a: Array, b: Array) -> Array:
    """(A, B) prior covariance of the displacements of points."""
    squared = ((a[:, None] - b[None]) ** 2).sum(axis=-1)
    shares = [share * np.exp(-squared / (2 * length**2)) for length, share in _LENGTHS]
    return np.asarray(_MOVEMENT**2 * np.sum(shares, axis=0))


def _symmetric(field: Array) -> Array:
    """(GRID, GRID, 3) the symmetric part of a displacement."""
    sheet = field.reshape(GRID, GRID, 3)
    return np.asarray((sheet + sheet[:, ::-1] * [-1, 1, 1]) / 2)
