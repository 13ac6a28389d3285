"""Locks of hair over forehead, temples and cheeks, as ribbons that taper to their tips."""

import numpy as np

from datamodules.synthetic.adornments import LooseHair
from datamodules.synthetic.head import Array
from datamodules.synthetic.looks import Look
from datamodules.synthetic.sheet_places import sheet_points
from datamodules.synthetic.surfaces import Surface, cross, unit_vectors
from datamodules.synthetic.surroundings import hairline, outward

_STEPS = 9  # points along a lock
_ROUNDNESS = 0.35  # height of a ribbon's middle / its width
_TEMPLE_DEG = (42.0, 84.0)  # angles at which the hair of the sides grows
_FOREHEAD_DEG = 44.0
_MOST_OVER_SKIN = 0.9  # of the horizontal distance from the head's axis that a lock keeps as it hangs down


def loose_hair(face: Array, look: Look, hair: LooseHair) -> Surface | None:
    """The locks of a person; None where there is none.

    Args:
        face: (GRID, GRID, 3) the sheet of the head.
        look: The person.
        hair: The locks.
    """
    rng = np.random.default_rng(hair.seed)
    count = hair.fringe + 2 * hair.sides
    if not count:
        return None
    is_fringe = np.arange(count) < hair.fringe
    side = np.where(np.arange(count) % 2 == 0, -1.0, 1.0)
    angle = np.where(
        is_fringe, rng.uniform(-_FOREHEAD_DEG, _FOREHEAD_DEG, count), side * rng.uniform(*_TEMPLE_DEG, count)
    )
    style = "short" if look.hair_style == "bald" else look.hair_style
    root = hairline(style, angle).clip(-20, 80) + look.hairline * is_fringe + rng.uniform(1, 9, count)
    length = np.where(is_fringe, hair.fringe_length, hair.side_length) * np.exp(rng.normal(0, 0.3, count))
    t = np.linspace(0, 1, _STEPS)
    falls = np.sign(angle) * np.abs(hair.sweep) if hair.is_parted else np.full(count, hair.sweep)
    drift = np.where(is_fringe, falls, rng.normal(0, 10, count)) + rng.normal(0, 6, count)
    wave = hair.curl * np.sin(2 * np.pi * (rng.uniform(0.8, 1.5, (count, 1)) * t + rng.random((count, 1))))
    angles = angle[:, None] + drift[:, None] * t**1.4 + wave * t
    heights = root[:, None] - length[:, None] * t
    points = sheet_points(face, angles, heights)
    away = outward(points)
    lift = hair.lift * rng.uniform(0.5, 1.5, (count, 1)) * (1 + 1.2 * np.sin(np.pi * np.minimum(t + 0.15, 1))) / 2 + 1.5
    points = points + lift[..., None] * away
    points[..., 1] = points[:, :1, 1] - length[:, None] * t  # hair hangs straight where the sheet curves
    points = _hanging(points)
    width = hair.width * rng.uniform(0.4, 1.6, (count, 1)) * (1 - t**3) + 0.25
    return Surface(_ribbons(points, away, width), _streaks(count, rng))


def _hanging(points: Array) -> Array:
    """(N, K, 3) paths that stay outside of what is above them, instead of following the head below the jaw."""
    flat = points * [1.0, 0.0, 1.0]
    radius = np.linalg.norm(flat, axis=-1)
    least = np.maximum.accumulate(radius * _MOST_OVER_SKIN, axis=1)
    grown = np.maximum(radius, least) / np.maximum(radius, 1e-6)
    return np.asarray(points * np.stack([grown, np.ones_like(grown), grown], axis=-1))


def _ribbons(paths: Array, away: Array, width: Array) -> Array:
    """(N, K, 3, 3) ribbons about (N, K, 3) paths, whose middle is raised outwards."""
    across = unit_vectors(cross(away, np.gradient(paths, axis=1)))
    half = (width / 2)[..., None] * across
    return np.stack([paths - half, paths + _ROUNDNESS * width[..., None] * away, paths + half], axis=2)


def _streaks(count: int, rng: np.random.Generator) -> Array:
    """(N, K, 3, 2) places in the texture of hair: each lock has a narrow piece of its own."""
    left = rng.uniform(0, 0.9, (count, 1, 1))
    rows = np.broadcast_to(np.linspace(0, 1, _STEPS)[:, None], (count, _STEPS, 3))
    columns = np.broadcast_to(left + np.array([0.0, 0.05, 0.1]), (count, _STEPS, 3))
    return np.stack([rows, columns], axis=-1)
