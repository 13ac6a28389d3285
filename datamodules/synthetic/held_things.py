"""Hands and other things before a face."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from datamodules.synthetic.head import Array
from datamodules.synthetic.sheet_places import sheet_points
from datamodules.synthetic.surfaces import Surface, cross, tube, unit_texels
from datamodules.synthetic.surroundings import outward

Thing = Literal["hand", "mask", "microphone", "cup", "slab", "blob"]

_THINGS: dict[Thing, float] = {"hand": 0.5, "mask": 0.1, "microphone": 0.08, "cup": 0.08, "slab": 0.1, "blob": 0.14}
# angle and height on the sheet that hands touch: chin, cheeks, mouth, forehead, eyes, temples, jaw
_TOUCHED = [(0.0, -104.0), (38.0, -52.0), (0.0, -68.0), (12.0, 48.0), (24.0, 0.0), (62.0, 12.0), (70.0, -48.0)]
_FINGERS = ((-29.0, 60.0, 7.0), (-10.0, 74.0, 8.0), (10.0, 79.0, 8.2), (29.0, 71.0, 7.8))  # offset, length, radius
_JOINTS = 8
_SKIN_GAP = 7.0  # from the middle of a finger to the face


@dataclass(frozen=True, eq=False)
class HeldThing:
    """Something before a face.

    Attributes:
        skin: Surfaces of the colour of skin.
        other: Other surfaces.
        is_own: Whether the skin is that of the person.
    """

    skin: list[Surface]
    other: list[Surface]
    is_own: bool = True


def draw_held_thing(face: Array, rng: np.random.Generator) -> HeldThing:
    """Draws a hand or another thing.

    Args:
        face: (GRID, GRID, 3) the sheet of the head, which it touches or hides.
        rng: Draws kind, place and shape.
    """
    kinds = list(_THINGS)
    kind = kinds[rng.choice(len(kinds), p=list(_THINGS.values()))]
    side = float(rng.choice([-1.0, 1.0]))
    if kind == "hand":
        return _hand(face, side, rng)
    if kind == "mask":
        return HeldThing([], [_mask(face, rng)])
    mouth = sheet_points(face, np.array(0.0), np.array(-68.0))
    if kind == "microphone":
        head = mouth + np.array([rng.normal(0, 12), rng.normal(-12, 12), rng.uniform(28, 70)])
        return HeldThing([], [_ball(head, rng.uniform(17, 30)), _rod(head, side, rng.uniform(9, 14), rng)])
    if kind == "cup":
        middle = mouth + np.array([rng.normal(0, 8), -rng.uniform(15, 45), 42.0])
        radius, half = rng.uniform(28, 42), rng.uniform(35, 60)
        lean = np.array([rng.normal(0, 0.15), 1.0, -rng.uniform(0, 0.6)])
        path = middle + np.linspace(1, -1, 4)[:, None] * half * lean
        return HeldThing([], [tube(path, radius * np.linspace(1.05, 0.85, 4), 14)])
    if kind == "slab":
        return HeldThing([], [_slab(face, side, rng)])
    place = np.array([side * rng.uniform(40, 130), rng.uniform(-160, 20), rng.uniform(110, 160)])
    blob = _ball(place, rng.uniform(30, 85), rng.uniform(0.6, 1.6, 3), rng.uniform(0.1, 0.35))  # a shoulder, an arm
    return HeldThing([blob], [], is_own=False) if rng.random() < 0.4 else HeldThing([], [blob])


def _hand(face: Array, side: float, rng: np.random.Generator) -> HeldThing:
    """A hand that touches the face, and its forearm."""
    angle, height = _TOUCHED[rng.integers(len(_TOUCHED))]
    angle, height = side * angle + rng.normal(0, 7), height + rng.normal(0, 9)
    touched = sheet_points(face, np.array(angle), np.array(height))
    away = outward(touched[None])[0] * [1.0, 0.0, 1.0]
    away /= np.linalg.norm(away)
    # the arm comes from below, from the person's own side or from another's
    lean = np.deg2rad(rng.normal(0, 45))
    beside = cross(np.array([0.0, 1.0, 0.0]), away)
    fingers = np.cos(lean) * np.array([0.0, 1.0, 0.0]) - np.sin(lean) * side * beside
    across = cross(fingers, away)
    curl, spread, size = rng.uniform(0.1, 1.5), rng.uniform(0.0, 0.28), rng.uniform(0.85, 1.12)
    wrist = touched + away * (_SKIN_GAP + 9) - fingers * rng.uniform(85, 150)
    t = np.linspace(0, 1, _JOINTS)
    paths, widths = [], []
    shown = rng.random(4) < 0.92
    for is_shown, (offset, length, radius) in zip(shown, _FINGERS, strict=True):
        if not is_shown:
            continue
        turn, tilt = curl * rng.uniform(0.7, 1.3) * t, spread * offset / 29
        step = size * length / (_JOINTS - 1)
        along = np.cos(turn)[:, None] * (fingers + tilt * across) - np.sin(turn)[:, None] * away
        paths.append(wrist + size * (88 * fingers + offset * across) + np.cumsum(step * along, axis=0))
        widths.append(size * radius * _tip(t))
    thumb_side = float(rng.choice([-1.0, 1.0]))
    thumb_along = 0.75 * fingers + thumb_side * rng.uniform(0.3, 0.9) * across - 0.3 * away
    paths.append(wrist + size * (22 * fingers + 34 * thumb_side * across) + (size * 72 * t)[:, None] * thumb_along)
    widths.append(size * 9.5 * _tip(t))
    skin = [tube(np.stack(paths), np.stack(widths), 7, flat_along=away)]
    palm = wrist + size * np.linspace(-25, 95, 7)[:, None] * fingers
    skin.append(tube(palm, size * np.array([27.0, 29, 37, 42, 43, 41, 30]), 12, 0.36, away))
    down = -fingers + [0.0, -0.4, 0.0] + 0.25 * away
    arm = wrist + np.linspace(-10, 230, 6)[:, None] * down
    sleeve = tube(arm, size * np.linspace(27, 46, 6) * 1.1, 10, 0.8, away)
    return HeldThing(skin, [sleeve]) if rng.random() < 0.5 else HeldThing([*skin, sleeve], [], bool(rng.random() < 0.8))


def _tip(t: Array) -> Array:
    """Radius along a finger relative to its root: narrower towards the end, which is round."""
    return np.asarray((1 - 0.22 * t) * np.sqrt(np.clip(1 - t**8, 0.02, 1)))


def _mask(face: Array, rng: np.random.Generator) -> Surface:
    """A mask or scarf over mouth and nose."""
    top, bottom, wide = rng.uniform(-34, -8), rng.uniform(-135, -112), rng.uniform(62, 96)
    across, down = np.linspace(-wide, wide, 41), np.linspace(0, 1, 29)
    angles = np.broadcast_to(across, (29, 41))
    slope = 1 - (across / wide) ** 2
    heights = (top - 30 * (1 - slope)) + down[:, None] * (bottom + 40 * (1 - slope) - top + 30 * (1 - slope))
    points = sheet_points(face, angles, heights)
    # cloth is stretched over what stands out
    depth = points[..., 2]
    cloth = np.maximum(depth, 0.5 * (np.maximum.accumulate(depth, axis=0) + depth)) + 3.0
    points = np.stack([points[..., 0] * 1.03, points[..., 1], cloth], axis=-1)
    points += rng.uniform(1.0, 3.0) * outward(points)
    return Surface(points, unit_texels(29, 41))


def _ball(centre: Array, radius: float, shape: Array | float = 1.0, uneven: float = 0.0) -> Surface:
    """A ball, or an uneven lump."""
    turn, rise = np.linspace(-np.pi, np.pi, 17), np.linspace(np.pi / 2, -np.pi / 2, 10)[:, None]
    unit = np.stack([np.cos(rise) * np.sin(turn), np.sin(rise) * np.ones_like(turn), np.cos(rise) * np.cos(turn)], -1)
    bumps = 1 + uneven * np.sin(3 * turn + 2 * rise) * np.cos(rise)
    return Surface(centre + radius * shape * bumps[..., None] * unit, unit_texels(10, 17))


def _rod(start: Array, side: float, radius: float, rng: np.random.Generator) -> Surface:
    path = start + np.linspace(0, 1, 5)[:, None] * [side * rng.uniform(0, 120), -rng.uniform(120, 220), 30.0]
    return tube(path, np.full(5, radius), 8)


def _slab(face: Array, side: float, rng: np.random.Generator) -> Surface:
    """A phone at the ear, or a book or a sheet of paper before the face."""
    if rng.random() < 0.5:
        middle = sheet_points(face, np.array(side * 82.0), np.array(-30.0)) + np.array([side * 16, -20.0, 20.0])
        right, up = np.array([-0.15 * side, 0.1, 0.98]), np.array([0.1, 0.95, -0.25])
        half_width, half_height = 36.0, 75.0
    else:
        middle = np.array([side * rng.uniform(0, 90), rng.uniform(-170, -95), rng.uniform(115, 150)])
        turn = rng.normal(0, 0.4)
        right, up = np.array([np.cos(turn), np.sin(turn), 0.2]), np.array([-np.sin(turn), np.cos(turn), -0.3])
        half_width, half_height = rng.uniform(50, 110), rng.uniform(40, 90)
    down, along = np.linspace(1, -1, 3)[:, None, None], np.linspace(-1, 1, 3)[None, :, None]
    return Surface(middle + down * half_height * up + along * half_width * right, unit_texels(3, 3))
