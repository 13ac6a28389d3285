"""The identity basis of the synthetic head: named features and smooth variation, as one orthonormal basis."""

import numpy as np

from datamodules.synthetic.head import (
    EYE_CENTRE,
    EYE_HALF_WIDTH,
    MOUTH_HEIGHT,
    Array,
    HeadSheet,
    bump,
    ear_place,
    lip_borders,
    mouth_line,
    ramp,
)
from datamodules.synthetic.measured_head import SUMS, MeasuredHead

IDENTITY_MODES = 40
_SMOOTH_LENGTH = 42.0  # millimetres over which the head's surface varies together
_SMOOTH_SYMMETRIC, _SMOOTH_ODD = 14, 5  # modes
_SMOOTH_DEVIATION = 1.9  # millimetres, of the first mode
_ASYMMETRY = 0.35  # deviation of odd modes relative to even ones


# Named features that the measurements of the tables have the spread of.
_MEASURED = frozenset(
    {
        "width_of_the_head",
        "height",
        "jaw_width",
        "chin_length",
        "chin_depth",
        "nose_length",
        "nose_depth",
        "nose_width",
        "bridge",
        "eye_distance",
        "eye_size",
        "eye_opening",
        "eye_depth",
        "mouth_width",
        "mouth_height",
        "upper_lip",
        "lower_lip",
    }
)


def identity_basis(sheet: HeadSheet, measured: MeasuredHead | None = None) -> tuple[Array, Array]:
    """(V, 3, K) orthonormal modes, and (K,) standard deviations of their coefficients in descending order; K is 40.

    A head is the sum of named features and a Gaussian process, each with a normal amplitude. The principal axes of
    that sum are the modes: drawing their coefficients independently gives the same heads.

    Args:
        sheet: The mean head.
        measured: Features with the spread of tables, in place of some of the named ones; all others then leave the
            measurements of the tables as they are, and all modes are kept.
    """
    if measured is None:
        fields, modes = [*named_features(sheet).values(), *_smooth(sheet)], IDENTITY_MODES
    else:
        others = [field for name, field in named_features(sheet).items() if name not in _MEASURED]
        fields = [*measured.features, *map(measured.deformation.unmeasured, [*others, *_smooth(sheet)])]
        # few vertices move with eyes and lips, so that their modes are among the last; sex and size are sums of others
        modes = len(fields) - SUMS
    features = np.stack(fields, axis=-1)
    columns = features.reshape(-1, features.shape[-1])
    variances, rotation = np.linalg.eigh(columns.T @ columns)
    order = np.argsort(variances)[::-1][:modes]
    deviations = np.sqrt(variances[order])
    basis = columns @ rotation[:, order] / deviations
    signs = np.sign(basis[np.abs(basis).argmax(axis=0), np.arange(modes)])  # independent of the solver
    return (basis * signs).reshape(-1, 3, modes), deviations


def named_features(sheet: HeadSheet) -> dict[str, Array]:
    """Displacements of one standard deviation each, (V / 129, 129, 3)."""
    x, y = np.abs(sheet.across), sheet.height
    side = np.sign(sheet.across)
    px, py, pz = np.moveaxis(sheet.points, -1, 0)
    zero = np.zeros_like(x)
    eye_x, eye_y = x - EYE_CENTRE[0], y - EYE_CENTRE[1]
    eyes = bump(x, y, EYE_CENTRE, (18.0, 11.0))
    lips = bump(x, y, (0.0, MOUTH_HEIGHT), (30.0, 15.0))
    above_lips = y - mouth_line(x)
    upper, lower = lip_borders(x)
    front = ramp(np.abs(sheet.angle_deg), 80.0, 50.0)
    back, up = ear_place(sheet)
    ear = ramp(np.hypot(back, up), 1.3, 0.7)
    neck = ramp(y, -105.0, -135.0)

    def move(dx: Array = zero, dy: Array = zero, dz: Array = zero) -> Array:
        return np.stack([side * dx, dy, dz * np.ones_like(x)], axis=-1)

    return {
        "width_of_the_head": move(dx=0.055 * np.abs(px)),
        "height": move(dy=0.05 * py),
        "depth": move(dz=0.05 * pz),
        "jaw_width": move(dx=4.5 * np.abs(px) / 60 * bump(zero, y, (0.0, -85.0), (1.0, 28.0))),
        "chin_length": move(dy=-5.0 * ramp(y, -72.0, -112.0) * front),
        "chin_depth": move(dz=4.0 * bump(x, y, (0.0, -102.0), (26.0, 18.0))),
        "chin_width": move(dx=2.5 * px * side / 20 * bump(x, y, (0.0, -104.0), (24.0, 12.0))),
        "nose_length": move(dy=-3.0 * bump(x, y, (0.0, -42.0), (18.0, 16.0))),
        "nose_depth": move(dz=3.0 * bump(x, y, (0.0, -37.0), (12.0, 13.0))),
        "nose_width": move(dx=2.4 * x / 15 * bump(x, y, (0.0, -43.0), (20.0, 9.0))),
        "bridge": move(dz=2.6 * bump(x, y, (0.0, -6.0), (8.0, 15.0))),
        "hump": move(dz=1.6 * bump(x, y, (0.0, -20.0), (7.0, 8.0))),
        "tip_up": move(dy=2.0 * bump(x, y, (0.0, -38.0), (9.0, 8.0))),
        "eye_distance": move(dx=2.2 * eyes),
        "eye_size": move(dx=1.2 * eye_x / EYE_HALF_WIDTH * eyes, dy=0.8 * eye_y / 5.0 * eyes),
        "eye_opening": move(dy=1.0 * eye_y / 5.0 * eyes),
        "eye_tilt": move(dy=1.3 * eye_x / EYE_HALF_WIDTH * eyes),
        "eye_depth": move(dz=2.2 * eyes),
        "brow_height": move(dy=2.6 * bump(x, y, (32.0, 22.0), (26.0, 8.0))),
        "brow_ridge": move(dz=1.8 * bump(x, y, (25.0, 17.0), (26.0, 8.0))),
        "forehead_slope": move(dz=-5.0 * np.clip((y - 25) / 60, 0, None) * front),
        "forehead_height": move(dy=4.0 * ramp(y, 20.0, 85.0)),
        "cheekbones": move(dx=3.0 * ramp(x, 25.0, 60.0) * bump(zero, y, (0.0, -20.0), (1.0, 20.0))),
        "cheeks": move(
            dx=2.6 * ramp(x, 10.0, 45.0) * bump(x, y, (48.0, -58.0), (24.0, 22.0)),
            dz=2.6 * bump(x, y, (44.0, -58.0), (20.0, 22.0)),
        ),
        "mouth_width": move(dx=2.6 * x / 25 * lips),
        "mouth_height": move(dy=2.2 * bump(x, y, (0.0, MOUTH_HEIGHT), (34.0, 20.0))),
        "upper_lip": move(
            dy=1.5 * np.exp(-(((y - upper) / 5.0) ** 2)) * ramp(x, 28.0, 12.0), dz=1.0 * lips * (above_lips > 0)
        ),
        "lower_lip": move(
            dy=-1.6 * np.exp(-(((y - lower) / 6.0) ** 2)) * ramp(x, 28.0, 12.0), dz=1.0 * lips * (above_lips < 0)
        ),
        "muzzle": move(dz=2.6 * lips),
        "ears_stand_out": move(dx=3.5 * ear * ramp(back, -1.0, 1.0), dz=-1.0 * ear),
        "ear_size": move(dy=3.0 * up * ear, dz=-2.0 * back * ear),
        "neck": move(dx=5.0 * np.abs(px) / 55 * neck, dz=2.0 * pz / 55 * neck),
    }


def _smooth(sheet: HeadSheet) -> list[Array]:
    """Leading modes of a Gaussian process over the surface, along its radius, even and odd about the midline."""
    anchors = sheet.points[4::12, 4::12].reshape(-1, 3)
    mirrored = anchors * [-1, 1, 1]
    points = sheet.points.reshape(-1, 3)
    outward = sheet.points * [1, 0.25, 1]
    outward = outward / np.linalg.norm(outward, axis=-1, keepdims=True)
    modes = []
    for parity, count, share in ((1, _SMOOTH_SYMMETRIC, 1.0), (-1, _SMOOTH_ODD, _ASYMMETRY)):
        values, vectors = np.linalg.eigh(_kernel(anchors, anchors) + parity * _kernel(anchors, mirrored))
        leading = np.argsort(values)[::-1][:count]
        reach = _kernel(points, anchors) + parity * _kernel(points, mirrored)
        fields = reach @ vectors[:, leading] / np.sqrt(values[leading])
        fields *= share * _SMOOTH_DEVIATION * np.sqrt(values[leading] / values[leading[0]]) / fields.std(axis=0)
        modes += [outward * field.reshape(*outward.shape[:2], 1) for field in fields.T]
    return modes


def _kernel(a: Array, b: Array) -> Array:
    squared = ((a[:, None] - b[None]) ** 2).sum(axis=-1)
    return np.asarray(np.exp(-squared / (2 * _SMOOTH_LENGTH**2)))
