"""Surfaces over grids of points: their triangles, normals and texture coordinates."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from datamodules.synthetic.head import Array
from datamodules.synthetic.head_model import grid_triangles

_SLANTED = np.array([0.3, 0.2, 0.93])  # no tube runs along it


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
    return unit_vectors(cross(down, across))


@cache
def unit_texels(rows: int, columns: int) -> Array:
    """(rows, columns, 2) texture coordinates of a grid that fills its texture, 0 to 1."""
    return np.stack(np.meshgrid(np.linspace(0, 1, rows), np.linspace(0, 1, columns), indexing="ij"), axis=-1)


def tube(path: Array, radius: Array, sides: int, flatness: float = 1.0, flat_along: Array | None = None) -> Surface:
    """A tube about a path, or N separate ones, whose texture runs along them.

    Args:
        path: (K, 3) or (N, K, 3) its middle.
        radius: (K,) or (N, K) half its width.
        sides: Number of its faces around.
        flatness: Its thickness / its width.
        flat_along: (3,) direction in which it is thinner; it must not run along the path.
    """
    along = np.empty_like(path)
    along[..., 1:-1, :] = path[..., 2:, :] - path[..., :-2, :]
    along[..., 0, :] = path[..., 1, :] - path[..., 0, :]
    along[..., -1, :] = path[..., -1, :] - path[..., -2, :]
    along = unit_vectors(along)
    wide = unit_vectors(cross(_SLANTED if flat_along is None else flat_along, along))
    thin = cross(along, wide)
    turn = np.linspace(0, 2 * np.pi, sides + 1)[:, None]
    ring = np.cos(turn) * wide[..., None, :] - np.sin(turn) * flatness * thin[..., None, :]
    points = path[..., None, :] + radius[..., None, None] * ring
    texels = unit_texels(path.shape[-2], sides + 1)
    return Surface(points, np.broadcast_to(texels, (*points.shape[:-1], 2)))


def cross(a: Array, b: Array) -> Array:
    """(..., 3) cross products; several times as fast as NumPy's for few vectors."""
    (ax, ay, az), (bx, by, bz) = np.moveaxis(a, -1, 0), np.moveaxis(b, -1, 0)
    return np.stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx], axis=-1)


def unit_vectors(vectors: Array) -> Array:
    """(..., 3) vectors of length 1."""
    x, y, z = np.moveaxis(vectors, -1, 0)
    return np.asarray(vectors / (np.sqrt(x * x + y * y + z * z) + 1e-12)[..., None])
