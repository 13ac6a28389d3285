"""Which points of a surface are visible in an image."""

import numpy as np
from numpy.typing import NDArray

from datamodules.geometry.rasterizer import rasterize

_DEPTH_TOLERANCE = 0.02  # of the depth of the head: what lies that much deeper than the nearest surface is hidden


def shown(
    points_px: NDArray[np.floating],
    vertices_px: NDArray[np.floating],
    triangle_ids: NDArray[np.int32],
    barycentric: NDArray[np.float32],
    triangles: NDArray[np.int32],
) -> NDArray[np.bool_]:
    """(*S,) whether points are within the image and nothing lies in front of them.

    Args:
        points_px: (*S, 3) points of the surface, nearer is larger.
        vertices_px: (V, 3) of the surface.
        triangle_ids: (H, W) from `rasterize`.
        barycentric: (H, W, 3) likewise.
        triangles: (F, 3) what was rasterised.
    """
    height, width = triangle_ids.shape
    depth = depth_map(vertices_px, triangle_ids, barycentric, triangles)
    x, y, z = np.moveaxis(points_px, -1, 0)
    is_inside = (x >= 0) & (y >= 0) & (x <= width - 1) & (y <= height - 1)
    col, row = (np.rint(np.where(is_inside, axis, 0)).astype(np.intp) for axis in (x, y))
    hidden_below = depth[row, col] - _DEPTH_TOLERANCE * np.ptp(vertices_px[triangles.ravel(), 2])
    return np.asarray(is_inside & (z >= hidden_below))


def shown_points(
    points_px: NDArray[np.floating],
    vertices_px: NDArray[np.floating],
    triangles: NDArray[np.int32],
    height: int,
    width: int,
) -> NDArray[np.bool_]:
    """The same of an image of so many pixels."""
    return shown(points_px, vertices_px, *rasterize(vertices_px, triangles, height, width), triangles)


def depth_map(
    vertices_px: NDArray[np.floating],
    triangle_ids: NDArray[np.int32],
    barycentric: NDArray[np.float32],
    triangles: NDArray[np.int32],
) -> NDArray[np.float32]:
    """(H, W) z of what each pixel shows; minus infinity where there is nothing."""
    depth = (vertices_px[triangles[triangle_ids], 2] * barycentric).sum(axis=-1)
    return np.where(triangle_ids >= 0, depth, -np.inf).astype(np.float32)
