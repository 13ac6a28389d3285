"""Surfaces over grids of points: their triangles, normals and texture coordinates."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from datamodules.synthetic.head import Array
from datamodules.synthetic.head_model import grid_triangles


@dataclass(frozen=True, eq=False)
class Surface:
    """A surface over a grid of points, or N separate ones over grids of one size.

    Attributes:
        points: (R, C, 3) or (N, R, C, 3) in millimetres, in the frame of the head.
        texels: As many coordinates in its texture, 0 to 1, downwards and across, in (..., 2).
    """

    points: Array
    texels: Array


@cache
def surface_triangles(rows: int, columns: int, grids: int = 1, step: int = 1) -> NDArray[np.int32]:
    """(F, 3) triangles of a surface of so many rows and columns.

    Args:
        rows: Rows of each grid.
        columns: Columns of each grid.
        grids: Number of grids.
        step: Every so many rows and columns are connected: 2 gives a quarter of the triangles.
    """
    places = np.arange(rows * columns, dtype=np.int32).reshape(rows, columns)[::step, ::step]
    one = places.ravel()[grid_triangles(*places.shape)]
    return np.concatenate([one + grid * rows * columns for grid in range(grids)]).astype(np.int32)


def surface_normals(points: Array) -> Array:
    """(..., R, C, 3) outward unit normals of grids of points whose rows go down and columns to the right."""
    across = np.empty_like(points)
    across[..., :, 1:-1, :] = points[..., :, 2:, :] - points[..., :, :-2, :]
    across[..., :, 0, :] = points[..., :, 1, :] - points[..., :, 0, :]
    across[..., :, -1, :] = points[..., :, -1, :] - points[..., :, -2, :]
    down = np.empty_like(points)
    down[..., 1:-1, :, :] = points[..., 2:, :, :] - points[..., :-2, :, :]
    down[..., 0, :, :] = points[..., 1, :, :] - points[..., 0, :, :]
    down[..., -1, :, :] = points[..., -1, :, :] - points[..., -2, :, :]
    x = down[..., 1] * across[..., 2] - down[..., 2] * across[..., 1]
    y = down[..., 2] * across[..., 0] - down[..., 0] * across[..., 2]
    z = down[..., 0] * across[..., 1] - down[..., 1] * across[..., 0]
    normals = np.stack([x, y, z], axis=-1)
    return np.asarray(normals / (np.sqrt(x * x + y * y + z * z) + 1e-12)[..., None])


@cache
def unit_texels(rows: int, columns: int) -> Array:
    """(rows, columns, 2) texture coordinates of a grid that fills its texture, 0 to 1."""
    return np.stack(np.meshgrid(np.linspace(0, 1, rows), np.linspace(0, 1, columns), indexing="ij"), axis=-1)


def tube(path: Array, radius: Array, sides: int, flatness: float = 1.0, flat_along: Array | None = None) -> Surface:
    """A tube about a path, whose texture runs along it.

    Args:
        path: (K, 3) its middle.
        radius: (K,) half its width.
        sides: Number of its faces around.
        flatness: Its thickness / its width.
        flat_along: (3,) direction in which it is thinner; it must not run along the path.
    """
    along = np.gradient(path, axis=0)
    along /= np.linalg.norm(along, axis=-1, keepdims=True) + 1e-12
    thin = np.array([0.3, 0.2, 0.93]) if flat_along is None else flat_along
    wide = np.cross(thin, along)
    wide /= np.linalg.norm(wide, axis=-1, keepdims=True) + 1e-12
    thin = np.cross(along, wide)
    turn = np.linspace(0, 2 * np.pi, sides + 1)[:, None]
    ring = np.cos(turn) * wide[:, None] - np.sin(turn) * flatness * thin[:, None]
    return Surface(path[:, None] + radius[:, None, None] * ring, unit_texels(len(path), sides + 1))
