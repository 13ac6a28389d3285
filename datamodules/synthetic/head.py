"""The mean head of the synthetic faces: a surface over forehead, face, ears and neck, computed from formulas.

In millimetres; y points up from the line of the eyes, z towards the camera from the axis between the ears. Widths,
heights and depths are rounded values for adults (Farkas, "Anthropometry of the Head and Face", 1994).

The surface is laid out with an open mouth, as a lens of texels between the lips, which is then closed, so that there is
a surface to show when the jaw drops.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

Array = NDArray[np.floating]

GRID = 129  # vertices per side; odd, so that there is a midline
MIDLINE = GRID // 2
_HALF_TURN_DEG = 114.0  # the surface reaches this far to either side of the nose, behind the ears
_FRONT_DENSITY = 0.7  # columns are this much closer together at the midline than on average

# Height of each row: closest where eyes, nose and mouth are.
_ROWS = PchipInterpolator([0, 26, 96, 112, 128], [90.0, 27.0, -90.0, -124.0, -168.0])

# Horizontal sections of the head: height, half-width, depth of the front, exponent of the superellipse.
_SECTIONS = np.array([
    (95.0, 56.0, 66.0, 2.2),
    (80.0, 67.0, 81.0, 2.3),
    (60.0, 73.0, 92.0, 2.4),
    (40.0, 75.5, 96.0, 2.4),
    (20.0, 76.0, 96.0, 2.4),
    (0.0, 75.0, 91.0, 2.35),
    (-20.0, 73.0, 88.0, 2.25),
    (-45.0, 69.0, 89.0, 2.1),
    (-70.0, 62.0, 91.0, 2.0),
    (-90.0, 54.0, 91.0, 1.95),
    (-105.0, 48.0, 90.0, 1.9),
    (-125.0, 44.0, 86.0, 1.9),
])  # fmt: skip
_BACK_DEPTH = 95.0
_SECTION = PchipInterpolator(_SECTIONS[::-1, 0], _SECTIONS[::-1, 1:])

# Lower edge of the jaw: angle from the midline, height.
_JAW_EDGE = np.array([
    (0.0, -118.0), (15.0, -116.0), (30.0, -110.0), (45.0, -101.0), (58.0, -91.0), (70.0, -80.0), (80.0, -66.0),
    (88.0, -50.0), (100.0, -42.0), (115.0, -38.0),
])  # fmt: skip
_JAW = PchipInterpolator(_JAW_EDGE[:, 0], _JAW_EDGE[:, 1])
_JAW_ROUNDING = 17.0  # height over which the jaw curves under
_NECK_RADIUS, _NECK_AXIS, _NECK_LEAN = 54.0, -14.0, 0.18
_MERGE = 7.0  # length of the smooth transition between head and neck

MOUTH_HEIGHT = -68.5  # where the lips meet
LENS_HALF_WIDTH = 24.5  # half-width of the opening between the lips
_LENS_HALF_HEIGHT = 7.0
_CLOSED = 0.94  # fraction of the lens that is closed in the mean head
_CLOSING_REACH = 13.0

EYE_CENTRE = (31.5, 0.0)
EYE_HALF_WIDTH = 14.5
_LID_UPPER, _LID_LOWER = 6.2, 4.6
_EYEBALL_RADIUS, _EYEBALL_DEPTH = 12.2, 73.0
_LID_THICKNESS = 1.5
_LID_MERGE = 1.6  # length of the smooth transition between lids and socket

EAR_ANGLE_DEG = 99.0
EAR_HEIGHT = -17.0
EAR_HALF = (15.0, 31.0)  # half-extent along the head, and in height


@dataclass(frozen=True, eq=False)
class HeadSheet:
    """The mean head, and the coordinates in which all features are placed.

    Attributes:
        across: (GRID, GRID) signed distance from the midline on the laid-out sheet, as seen from the front.
        height: (GRID, GRID) height on the laid-out sheet, whose mouth is open.
        angle_deg: (GRID, GRID) signed angle from the midline.
        points: (GRID, GRID, 3) the mean head, mouth closed.
    """

    across: Array
    height: Array
    angle_deg: Array
    points: Array


def make_head() -> HeadSheet:
    """Computes the mean head."""
    u = np.linspace(-1, 1, GRID)
    angle_deg = _HALF_TURN_DEG * (_FRONT_DENSITY * u + (1 - _FRONT_DENSITY) * u**3)
    angle_deg, height = np.meshgrid(angle_deg, _ROWS(np.arange(GRID)))
    angle = np.deg2rad(angle_deg)
    radius = _radius(angle, height)
    across = radius * np.sin(angle)
    flat = HeadSheet(across, height, angle_deg, np.empty(0))
    closed = height + lip_closing(flat)
    points = np.stack([across, closed, radius * np.cos(angle)], axis=-1)
    points[..., 2] += _front_relief(flat)
    points[..., 2] += _eye_relief(across, height, points[..., 2])
    points[..., 2] -= _mouth_depth(flat)
    points += _ears(flat)
    return HeadSheet(across, height, angle_deg, points)


def bump(x: Array, y: Array, centre: tuple[float, float], spread: tuple[float, float]) -> Array:
    """A Gaussian of height 1."""
    return np.asarray(np.exp(-(((x - centre[0]) / spread[0]) ** 2 + ((y - centre[1]) / spread[1]) ** 2)))


def ramp(x: Array, start: float, end: float) -> Array:
    """0 before the start, 1 after the end (which may be smaller), smooth in between."""
    t = np.clip((x - start) / (end - start), 0, 1)
    return np.asarray(t * t * (3 - 2 * t))


def jaw_edge(angle_deg: Array) -> Array:
    """Height of the lower edge of the jaw."""
    return np.asarray(_JAW(np.abs(angle_deg)))


def mouth_line(across: Array) -> Array:
    """Height of the line where the lips meet: a bow whose corners are a little lower."""
    x = across / LENS_HALF_WIDTH
    return np.asarray(MOUTH_HEIGHT - 1.2 * np.exp(-((x / 0.25) ** 2)) - 2.0 * x**2 * np.exp(-((x / 1.4) ** 4)))


def lens(across: Array) -> Array:
    """Half the height of the opening between the lips on the laid-out sheet."""
    return np.asarray(_LENS_HALF_HEIGHT * np.clip(1 - (across / LENS_HALF_WIDTH) ** 2, 0, None) ** 0.8)


def lip_borders(across: Array) -> tuple[Array, Array]:
    """Upper and lower border of the red of the lips on the laid-out sheet."""
    width = np.clip(1 - (across / (LENS_HALF_WIDTH + 2.5)) ** 2, 0, None)
    bow = 1 - 0.18 * np.exp(-((across / 3.5) ** 2))
    line, opening = mouth_line(across), lens(across)
    return line + opening + 7.0 * width**0.7 * bow, line - opening - 9.0 * width**0.8


def lip_closing(sheet: HeadSheet) -> Array:
    """Upward displacement of each point of the laid-out sheet that closes the mouth."""
    above = sheet.height - mouth_line(sheet.across)
    opening = _CLOSED * lens(sheet.across)
    beyond = np.clip(np.abs(above) - lens(sheet.across), 0, None)
    inside = np.clip(above / np.maximum(lens(sheet.across), 1e-9), -1, 1)
    return np.asarray(-opening * inside * np.exp(-((beyond / _CLOSING_REACH) ** 2)))


def eye_opening(across: Array, height: Array) -> Array:
    """Approximate distance from the edge of the lids in millimetres: positive between them, negative outside."""
    x = np.abs(across) - EYE_CENTRE[0]
    upper, lower = lids(x)
    within = np.minimum(upper - height, height - lower)
    return np.asarray(np.where(np.abs(x) < EYE_HALF_WIDTH, within, within - np.abs(x) + EYE_HALF_WIDTH))


def lids(x: Array) -> tuple[Array, Array]:
    """Heights of upper and lower lid, which meet at the corners; x is outwards from the middle of the eye."""
    tilt = 0.055 * x  # the outer corner is higher
    t = np.clip(1 - (x / EYE_HALF_WIDTH) ** 2, 0, None)
    return tilt + _LID_UPPER * t**0.75, tilt - _LID_LOWER * t**0.9


def _radius(angle: Array, height: Array) -> Array:
    half_width, depth, exponent = np.moveaxis(_SECTION(np.clip(height, -125, 95)), -1, 0)
    depth = np.where(np.cos(angle) > 0, depth, _BACK_DEPTH)
    inverse = np.abs(np.sin(angle) / half_width) ** exponent + np.abs(np.cos(angle) / depth) ** exponent
    head = inverse ** (-1 / exponent)
    below = np.clip((jaw_edge(np.rad2deg(angle)) + 8.0 - height) / _JAW_ROUNDING, 0, 1)
    head = head * np.sqrt(1 - below**2)
    axis = _NECK_AXIS + _NECK_LEAN * np.clip(height + 140, -30, 60)
    wider = 5.0 * ramp(height, -140.0, -168.0)
    neck = axis * np.cos(angle) + np.sqrt((_NECK_RADIUS + wider) ** 2 - (axis * np.sin(angle)) ** 2)
    neck = neck * ramp(height, -10.0, -60.0)
    larger, smaller = np.maximum(head, neck), np.minimum(head, neck)
    return np.asarray(larger + _MERGE * np.log1p(np.exp((smaller - larger) / _MERGE)) * ramp(height, -20.0, -70.0))


def _front_relief(flat: HeadSheet) -> Array:
    """Nose, brow ridge, sockets, cheekbones, muzzle, lips and chin: depths along z."""
    x, y = np.abs(flat.across), flat.height
    front = ramp(np.abs(flat.angle_deg), 85.0, 60.0)
    profile = PchipInterpolator(
        [-53.0, -48.5, -46.0, -43.0, -38.0, -30.0, -15.0, 3.0, 16.0, 30.0],
        [0.0, 3.5, 13.0, 22.0, 25.5, 22.5, 14.0, 6.5, 3.0, 0.0],
    )
    width = PchipInterpolator([-53.0, -42.0, -36.0, -15.0, 3.0, 30.0], [12.0, 11.5, 11.0, 9.5, 8.0, 12.0])
    clipped = np.clip(y, -53, 30)
    nose = profile(clipped) * np.exp(-((x / width(clipped)) ** 2.3))
    relief = nose
    relief += 7.5 * bump(x, y, (14.0, -42.5), (4.6, 5.0))  # wings
    relief -= 2.5 * bump(x, y, (7.5, -47.5), (3.0, 2.2))  # nostrils
    relief += 3.5 * bump(x, y, (22.0, 16.0), (16.0, 7.0)) + 1.5 * bump(x, y, (44.0, 13.0), (9.0, 8.0))  # brow ridge
    relief -= 6.0 * bump(x, y, (16.0, 2.0), (8.0, 9.0)) + 4.0 * bump(x, y, (30.0, -1.0), (19.0, 12.0))  # sockets
    relief += 4.0 * bump(x, y, (46.0, -22.0), (14.0, 13.0))  # cheekbones
    relief -= 3.0 * bump(x, y, (48.0, -58.0), (14.0, 16.0))  # hollow of the cheek
    relief += 6.5 * bump(x, y, (0.0, -68.0), (25.0, 22.0))  # muzzle
    relief -= 1.5 * bump(x, y, (27.0, -47.0), (5.0, 14.0))  # nasolabial fold
    relief -= 1.0 * bump(x, y, (0.0, -55.0), (3.0, 6.0))  # philtrum
    edge = lens(flat.across)
    above = y - mouth_line(x)
    lip_width = ramp(x, LENS_HALF_WIDTH + 4, 8.0)
    relief += 5.0 * lip_width * np.exp(-(((above - edge - 4.0) / 4.5) ** 2))
    relief += 5.5 * lip_width * np.exp(-(((above + edge + 5.0) / 5.5) ** 2))
    relief -= 3.5 * bump(x, y, (0.0, -90.0), (20.0, 5.0))  # fold above the chin
    relief += 5.0 * bump(x, y, (0.0, -104.0), (17.0, 10.0))  # chin
    return np.asarray(relief * front)


def _eye_relief(across: Array, height: Array, depth: Array) -> Array:
    """Depth that raises the surface to the lids and, between them, to the eyeball."""
    x, y = np.abs(across) - EYE_CENTRE[0], height - EYE_CENTRE[1]
    inside = np.clip(_EYEBALL_RADIUS**2 - x**2 - y**2, 0, None)
    ball = _EYEBALL_DEPTH + np.sqrt(inside)
    lid_radius = _EYEBALL_RADIUS + _LID_THICKNESS
    lids = _EYEBALL_DEPTH + np.sqrt(np.clip(lid_radius**2 - x**2 - y**2, 0, None))
    lids = lids - 4.0 * ramp(np.hypot(x, y), 6.0, lid_radius)  # the edge of the ball sinks into the socket
    merged = _LID_MERGE * np.logaddexp(depth / _LID_MERGE, lids / _LID_MERGE)
    covered = depth + ramp(np.hypot(x, y), lid_radius + 3, lid_radius - 3) * (merged - depth)
    opening = ramp(eye_opening(across, height), -0.6, 0.8)
    return np.asarray(covered + opening * (np.minimum(ball, covered) - covered) - depth)


def _mouth_depth(flat: HeadSheet) -> Array:
    """Depth of the area between the lips, backwards."""
    edge = lens(flat.across)
    inside = np.clip(1 - ((flat.height - mouth_line(flat.across)) / np.maximum(edge, 1e-9)) ** 2, 0, 1)
    return np.asarray(12.0 * inside**0.7 * np.clip(edge / _LENS_HALF_HEIGHT, 0, 1))


def ear_place(flat: HeadSheet) -> tuple[Array, Array]:
    """Coordinates on the ear, 0 at its middle and of length 1 at its edge: backwards, upwards."""
    back = 80 * np.deg2rad(np.abs(flat.angle_deg) - EAR_ANGLE_DEG) / EAR_HALF[0]
    up = (flat.height - EAR_HEIGHT) / EAR_HALF[1]
    return back - 0.25 * up, up


def _ears(flat: HeadSheet) -> Array:
    back, up = ear_place(flat)
    distance = np.hypot(back * (1 + 0.25 * np.clip(-up, 0, 1)), up)  # the lobe is narrower
    plate = ramp(distance, 1.2, 0.75)
    rim = np.exp(-(((distance - 0.8) / 0.2) ** 2)) * ramp(back, -0.9, 0.1)
    concha = np.exp(-(((back + 0.2) / 0.45) ** 2 + ((up + 0.12) / 0.45) ** 2))
    tragus = np.exp(-(((back + 0.8) / 0.3) ** 2 + ((up + 0.25) / 0.2) ** 2))
    outwards = plate * (6.0 + 6.0 * np.clip(back, -1, 1)) + 3.0 * rim - 5.0 * concha + 2.5 * tragus
    backwards = plate * (4.0 + 5.0 * np.clip(back, -1, 1))
    side = np.sign(flat.angle_deg)
    return np.stack([side * outwards, np.zeros_like(back), -backwards], axis=-1)
