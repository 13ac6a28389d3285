"""The expression basis of the synthetic head: displacements, each at its full amount for coefficient 1.

The default has twelve. With strong expressions there are others, of which those named `_side` move the left half of the
face's image in one direction and the right half in the other, so that a sum with their symmetric mode is one-sided.
"""

import numpy as np

from datamodules.synthetic.head import (
    EYE_CENTRE,
    EYE_HALF_WIDTH,
    LENS_HALF_WIDTH,
    MOUTH_HEIGHT,
    Array,
    HeadSheet,
    bump,
    eye_opening,
    jaw_edge,
    lens,
    lids,
    mouth_line,
    ramp,
)
from datamodules.synthetic.variety import Variety

_JAW_AXIS = (-22.0, 8.0)  # height and depth of the joint in front of the ear
_JAW_TURN_DEG = 17.0
EXPRESSIONS = (
    "jaw",
    "smile",
    "frown",
    "pucker",
    "upper_lip",
    "lower_lip",
    "brows_up",
    "brows_together",
    "blink_left",
    "blink_right",
    "puff",
    "shift",
)
_STRONG_EXPRESSIONS = ("squint", "smile_side", "upper_lip_side", "brows_side", "puff_side", "jaw_side")
_SIDE_WIDTH = 8.0  # millimetres from the midline within which the sides blend


def expression_names(variety: Variety) -> tuple[str, ...]:
    """Names of the modes, in the order of their coefficients."""
    return EXPRESSIONS + _STRONG_EXPRESSIONS if variety.expressions else EXPRESSIONS


def expression_basis(sheet: HeadSheet, names: tuple[str, ...] = EXPRESSIONS) -> Array:
    """(V, 3, L) displacements in the order of their names."""
    x, y = np.abs(sheet.across), sheet.height
    side = np.sign(sheet.across)
    px, py, pz = np.moveaxis(sheet.points, -1, 0)
    zero = np.zeros_like(x)
    lower = _lower_jaw(sheet)
    upper_lip = (1 - lower) * bump(x, y, (0.0, -60.0), (20.0, 11.0))
    lower_lip = lower * bump(x, y, (0.0, -78.0), (22.0, 11.0))
    corners = bump(x, y, (26.0, MOUTH_HEIGHT - 1), (14.0, 12.0))
    cheeks = bump(x, y, (40.0, -38.0), (17.0, 15.0))
    mouth = bump(x, y, (0.0, MOUTH_HEIGHT), (30.0, 17.0))

    def move(dx: Array = zero, dy: Array = zero, dz: Array = zero) -> Array:
        return np.stack([dx, dy, dz], axis=-1)

    turn = np.deg2rad(_JAW_TURN_DEG)
    down, ahead = py - _JAW_AXIS[0], pz - _JAW_AXIS[1]
    jaw = move(
        dy=lower * ((np.cos(turn) - 1) * down - np.sin(turn) * ahead),
        dz=lower * ((np.cos(turn) - 1) * ahead + np.sin(turn) * down),
    )
    inner_brows = bump(x, y, (15.0, 20.0), (13.0, 10.0))
    modes = {
        "jaw": jaw,
        "smile": move(
            6.0 * side * corners, 6.5 * corners + 3.0 * cheeks - 1.0 * upper_lip, 2.5 * cheeks - 3.5 * corners
        ),
        "frown": move(1.5 * side * corners, -5.5 * corners + 1.5 * lower_lip),
        "pucker": move(-0.36 * px * mouth, zero, 5.5 * mouth),
        "upper_lip": move(dy=4.5 * upper_lip + 1.5 * bump(x, y, (16.0, -44.0), (8.0, 8.0)), dz=1.0 * upper_lip),
        "lower_lip": move(dy=-4.5 * lower_lip),
        "brows_up": move(
            dy=6.5 * bump(x, y, (32.0, 25.0), (28.0, 12.0)), dz=-0.5 * bump(x, y, (32.0, 25.0), (28.0, 12.0))
        ),
        "brows_together": move(-3.0 * side * inner_brows, -4.5 * inner_brows, 1.0 * inner_brows),
        "blink_left": move(*_blink(sheet, -1)),
        "blink_right": move(*_blink(sheet, 1)),
        "puff": move(
            4.5 * side * bump(x, y, (42.0, -64.0), (17.0, 17.0)), zero, 4.5 * bump(x, y, (40.0, -64.0), (17.0, 17.0))
        ),
        "shift": move(dx=5.5 * bump(x, y, (0.0, MOUTH_HEIGHT - 3), (30.0, 22.0))),
    }
    sides = np.tanh(sheet.across / _SIDE_WIDTH)[..., None]
    lower_lid = bump(x, y, (EYE_CENTRE[0], -5.0), (15.0, 4.5))
    modes |= {
        "squint": move(dy=2.6 * lower_lid + 1.5 * cheeks, dz=1.0 * cheeks),
        "smile_side": sides * modes["smile"],
        "upper_lip_side": sides * modes["upper_lip"],
        "brows_side": sides * modes["brows_up"],
        "puff_side": sides * modes["puff"],
        "jaw_side": move(dx=7.0 * lower * ramp(-py, 60.0, 85.0)),
    }
    return np.stack([modes[name].reshape(-1, 3) for name in names], axis=-1)


def _lower_jaw(sheet: HeadSheet) -> Array:
    """Share of the jaw's movement at each point, 0 to 1."""
    x = np.abs(sheet.across)
    beyond = np.clip(x - 0.75 * LENS_HALF_WIDTH, 0, None)
    half = np.hypot(np.hypot(lens(sheet.across), 0.5 * beyond), 0.7)
    below = ramp((sheet.height - mouth_line(sheet.across)) / half, 1.0, -1.0)
    front = ramp(np.abs(sheet.angle_deg), 92.0, 48.0)
    under = ramp(jaw_edge(sheet.angle_deg) - sheet.height, 45.0, 0.0)
    return below * front * under


def _blink(sheet: HeadSheet, side: int) -> tuple[Array, Array, Array]:
    """Displacement of a blink: the upper lid moves down to the lower one, and the area between folds."""
    x, y = side * sheet.across - EYE_CENTRE[0], sheet.height
    upper, lower = lids(x)
    is_lid = np.abs(x) < EYE_HALF_WIDTH
    opening = np.maximum(upper - lower, 1e-9)
    share = np.clip((y - lower) / opening, 0, 1)
    above = np.clip(y - upper, 0, None)
    down = -0.93 * opening * share * np.exp(-((above / 7.0) ** 2)) * is_lid
    within = ramp(eye_opening(side * sheet.across, y), -0.5, 1.0) * is_lid
    return np.zeros_like(x), down, 1.2 * within
