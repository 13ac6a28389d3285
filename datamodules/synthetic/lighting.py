"""Light of synthetic scenes: ambient light, and one to three lamps."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from datamodules.geometry.rasterizer import rasterize
from datamodules.synthetic.head import GRID, Array
from datamodules.synthetic.head_model import synthetic_model
from datamodules.synthetic.surfaces import surface_normals

_DIRECTIONS = 64  # from which ambient occlusion is measured
_VIEW_SIZE = 192  # pixels per side of the view from each direction
_SLACK = 3.0  # millimetres behind the nearest surface that still count as visible
_MOST_LAMPS = 3


@dataclass(frozen=True, eq=False)
class Light:
    """The light of a scene; colours are linear.

    Attributes:
        ambient: (3,) light from all sides.
        sky: (3,) additional light from above.
        directions: (L, 3) unit vectors towards the lamps, in the camera's frame.
        colours: (L, 3) of the lamps.
        gloss: Strength of the highlights on the skin.
        sharpness: Exponent of the highlights; larger ones are smaller.
        wrap: How far the light of the lamps reaches around edges, as that of large lamps does: 0 for points.
        slope: (3, 3) change of the ambient light with the direction that a surface faces, by axis and colour.
    """

    ambient: Array
    sky: Array
    directions: Array
    colours: Array
    gloss: float
    sharpness: float
    wrap: float = 0.1
    slope: Array | None = None


def draw_light(rng: np.random.Generator) -> Light:
    """Draws the light of a scene, from a cloudy day to one hard lamp in a dark room."""
    lamps = int(rng.integers(1, _MOST_LAMPS + 1))
    softness = rng.beta(1.6, 1.6)
    azimuth, elevation = rng.uniform(-2.1, 2.1, lamps), rng.uniform(-0.5, 1.2, lamps)
    directions = np.stack(
        [np.cos(elevation) * np.sin(azimuth), np.sin(elevation), np.cos(elevation) * np.cos(azimuth)], axis=-1
    )
    colours = (1 + rng.normal(0, 0.12, (lamps, 1)) * [1.0, 0.0, -1.0]) * rng.uniform(0.3, 1.0, (lamps, 1))
    colours *= (1 - softness) * 1.6 / colours.sum(axis=0).mean() * rng.uniform(0.8, 1.2)
    tint = 1 + rng.normal(0, 0.08) * np.array([1.0, 0.0, -1.0])
    ambient = tint * (0.08 + 0.55 * softness)
    return Light(
        ambient,
        tint * 0.35 * softness,
        directions,
        np.clip(colours, 0, None),
        rng.uniform(0, 0.5) ** 1.5,
        rng.uniform(6, 40),
    )


def illuminate(
    normals: Array, exposure: NDArray[np.floating], light: Light, lit: NDArray[np.float32] | None = None
) -> NDArray[np.float32]:
    """(V, 3) light on points with (V, 3) unit normals in the frame of the camera.

    Args:
        normals: (V, 3) unit normals.
        exposure: (V,) ambient occlusion: fraction of the sky that is visible from each point.
        light: The light of the scene.
        lit: (V, L) share of each lamp that each point sees; None for all of it.
    """
    normals = normals.astype(np.float32)  # powers take three times as long in float64
    directions, colours = light.directions.astype(np.float32), light.colours.astype(np.float32)
    facing = normals @ directions.T
    received = (0.5 + 0.5 * normals[:, 1:2]) * light.sky.astype(np.float32) + light.ambient.astype(np.float32)
    if light.slope is not None:
        received += normals @ light.slope.astype(np.float32)
        np.maximum(received, 0, out=received)
    received *= exposure[:, None]
    direct = np.clip((facing + light.wrap) / (1 + light.wrap), 0, None)
    if lit is not None:
        direct *= lit
    received += direct * (0.4 + 0.6 * exposure[:, None]) @ colours
    if light.gloss:
        halfway = directions + np.array([0, 0, 1], np.float32)
        halfway /= np.linalg.norm(halfway, axis=-1, keepdims=True)
        shine = np.clip(normals @ halfway.T, 0, None) ** np.float32(light.sharpness) * (facing > 0)
        if lit is not None:
            shine *= lit
        received += np.float32(2.5 * light.gloss) * (shine @ colours)
    return received


@cache
def ambient_occlusion() -> NDArray[np.float32]:
    """(V,) fraction of the sky that is visible from each point of the mean head, weighted by the cosine."""
    model = synthetic_model()
    points = model.sheet.points.reshape(-1, 3)
    normals = surface_normals(model.sheet.points).reshape(-1, 3)
    seen, possible = np.zeros(len(points)), np.full(len(points), 1e-9)
    for direction in _sphere(_DIRECTIONS):
        side = np.cross([0.0, 1.0, 0.0], direction)
        side /= np.linalg.norm(side)
        frame = np.stack([side, np.cross(direction, side), direction])
        view = points @ frame.T
        low, high = view[:, :2].min(axis=0), view[:, :2].max(axis=0)
        pixels = np.column_stack([(view[:, :2] - low) / (high - low).max() * (_VIEW_SIZE - 1), view[:, 2]])
        ids, barycentric = rasterize(pixels, model.face.triangles, _VIEW_SIZE, _VIEW_SIZE)
        depth = (view[model.face.triangles[ids], 2] * barycentric).sum(axis=-1)
        depth[ids < 0] = -np.inf
        col, row = np.rint(pixels[:, :2]).astype(int).T
        facing = np.clip(normals @ direction, 0, None)
        seen += facing * (view[:, 2] > depth[row, col] - _SLACK)
        possible += facing
    return np.asarray(seen / possible, np.float32).reshape(GRID, GRID).ravel()


def _sphere(count: int) -> Array:
    """(count, 3) evenly distributed directions (a Fibonacci lattice)."""
    i = np.arange(count) + 0.5
    height, turn = 1 - 2 * i / count, np.pi * (1 + 5**0.5) * i
    level = np.sqrt(1 - height**2)
    return np.column_stack([level * np.cos(turn), height, level * np.sin(turn)])
