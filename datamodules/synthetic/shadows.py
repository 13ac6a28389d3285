"""Shadows that lamps cast: of the scene on itself, and of things outside the picture."""

import numpy as np
from numpy.typing import NDArray

from datamodules.geometry.rasterizer import rasterize
from datamodules.synthetic.head import Array, ramp
from datamodules.synthetic.lighting import Light
from datamodules.synthetic.noise import smooth_noise
from datamodules.synthetic.scene import Scene

_MAP = 160  # pixels per side of the view from a lamp
_BIAS = 2.2  # pixels of that view by which a surface must lie deeper to be in shadow
_MARGIN = 12  # pixels about that view
_SAMPLES = 5  # of the view, averaged for a soft edge
_MOST_LAMPS, _LEAST_STRENGTH = 2, 0.5  # lamps that cast shadows, and their strength relative to the strongest
_SOFTNESS = (0.004, 0.06)  # radius of soft edges / width of the scene
_OUTSIDE_SHARE = 0.35  # of the photographs with shadows, in which something outside the picture casts one
_PATTERN = 128


def cast_shadows(scene: Scene, light: Light, rng: np.random.Generator) -> NDArray[np.float32]:
    """(V, L) share of each lamp that each vertex sees.

    Args:
        scene: The scene.
        light: The lamps; weak ones cast no shadow.
        rng: Draws how large the lamps are, and what stands outside the picture.
    """
    lit = np.ones((len(scene.vertices_px), len(light.directions)), np.float32)
    strengths = light.colours.sum(axis=1)
    order = np.argsort(-strengths)[:_MOST_LAMPS]
    points = scene.vertices_px * [1, -1, 1]
    low, high = np.log(_SOFTNESS)
    softness = float(np.exp(rng.uniform(low, high)))
    for lamp in order[strengths[order] > _LEAST_STRENGTH * strengths.max()]:
        direction = light.directions[lamp]
        view = points @ _frame(direction).T
        start = view[:, :2].min(axis=0)
        width = float((view[:, :2].max(axis=0) - start).max())
        pixels = np.column_stack([(view[:, :2] - start), view[:, 2]]) * ((_MAP - 1) / width)
        facing = np.flatnonzero(scene.normals @ direction > -0.1)
        lit[facing, lamp] = _seen(pixels, scene.casters, facing, softness * _MAP)
        if lamp == order[0] and rng.random() < _OUTSIDE_SHARE:
            lit[:, lamp] *= _outside(pixels[:, :2] / _MAP, softness, rng)
    return lit


def _seen(
    pixels: Array, casters: NDArray[np.int32], chosen: NDArray[np.int64], softness_px: float
) -> NDArray[np.float32]:
    """(C,) share of a lamp that the chosen vertices see; pixels is (V, 3) in the view from the lamp."""
    ids, barycentric = rasterize(pixels, casters, _MAP, _MAP)
    view = np.full((_MAP + 2 * _MARGIN, _MAP + 2 * _MARGIN), -np.inf, np.float32)
    inner = view[_MARGIN : _MARGIN + _MAP, _MARGIN : _MARGIN + _MAP]
    covered = ids >= 0
    depths = pixels[:, 2].astype(np.float32)[casters[ids[covered]]]
    inner[covered] = np.einsum("pc,pc->p", depths, barycentric[covered])
    softness_px = min(max(softness_px, 0.5), _MARGIN - 1)
    turn = np.arange(_SAMPLES) * 2.4  # the golden angle
    radius = softness_px * np.sqrt((np.arange(_SAMPLES) + 0.5) / _SAMPLES)
    seen = np.zeros(len(chosen), np.float32)
    columns, rows, level = pixels[chosen].astype(np.float32).T
    level = level + np.float32(_BIAS + 0.5 * softness_px)
    for shift_x, shift_y in zip(radius * np.cos(turn) + 0.5, radius * np.sin(turn) + 0.5, strict=True):
        column = (columns + np.float32(_MARGIN + shift_x)).astype(np.int32)
        row = (rows + np.float32(_MARGIN + shift_y)).astype(np.int32)
        seen += view.ravel()[row * np.int32(view.shape[1]) + column] <= level
    return seen / np.float32(_SAMPLES)


def _outside(places: Array, softness: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """(V,) share of a lamp that passes a wall, bars or leaves; places is (V, 2) in widths of the scene."""
    angle = rng.uniform(0, np.pi)
    along = (places - 0.5) @ [np.cos(angle), np.sin(angle)]
    darkness = rng.uniform(0.5, 1.0)
    kind = rng.integers(3)
    if kind == 0:
        dark = ramp(along + rng.normal(0, 0.12), -softness, softness)
    elif kind == 1:
        period = rng.uniform(0.06, 0.25)
        edge = float(np.clip(6 * softness / period, 0.1, 0.9))
        dark = ramp(np.cos(2 * np.pi * (along / period + rng.random())) - rng.uniform(-0.5, 0.7), -edge, edge)
    else:
        pattern = smooth_noise((_PATTERN, _PATTERN), int(rng.choice([8, 16, 32])), rng)
        columns, rows = np.clip(places * _PATTERN, 0, _PATTERN - 1).astype(np.intp).T
        dark = ramp(pattern[rows, columns] - rng.uniform(-0.6, 0.8), -0.3, 0.3)
    return np.asarray(1 - darkness * dark, np.float32)


def _frame(direction: Array) -> Array:
    """(3, 3) axes of the view from a lamp; the third points to the lamp."""
    upwards = np.array([0.0, 1.0, 0.0]) if abs(direction[1]) < 0.95 else np.array([0.0, 0.0, 1.0])
    side = np.cross(upwards, direction)
    side /= np.linalg.norm(side)
    return np.stack([side, np.cross(direction, side), direction])
