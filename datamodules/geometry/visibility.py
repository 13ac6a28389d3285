"""Visibility of the points of a surface in an image."""

import numpy as np
from numpy.typing import NDArray

from datamodules.geometry.rasterizer import rasterize

_DEPTH_TOLERANCE = 0.02  # of the depth of the head; a point this far behind the nearest surface is hidden


def shown(
    points_px: NDArray[np.floating],
    vertices_px: NDArray[np.floating],
    triangle_ids: NDArray[np.int32],
    barycentric: NDArray[np.float32],
    triangles: NDArray[np.int32],
) -> NDArray[np.bool_]:
    """(*S,) whether points lie within the image and nothing covers them.

    Args:
        points_px: (*S, 3) points of the surface; larger z is nearer.
        vertices_px: (V, 3) vertices of the surface.
        triangle_ids: (H, W) from `rasterize`.
        barycentric: (H, W, 3) from `rasterize`.
        triangles: (F, 3) the rasterised triangles.
    """
    height, width = triangle_ids.shape
    depth = depth_map(vertices_px, triangle_ids, barycentric, triangles)
    x, y, z = np.moveaxis(points_px, -1, 0)
    is_inside = (x >= 0) & (y >= 0) & (x <= width - 1) & (y <= height - 1)
    col, row = (np.rint(np.where(is_inside, axis, 0)).astype(np.intp) for axis in (x, y))
    hidden_below = depth[row, col] - _DEPTH_TOLERANCE * np.ptp(vertices_px[:, 2][triangles])
    return np.asarray(is_inside & (z >= hidden_below))


def shown_points(
    points_px: NDArray[np.floating],
    vertices_px: NDArray[np.floating],
    triangles: NDArray[np.int32],
    height: int,
    width: int,
) -> NDArray[np.bool_]:
    """(*S,) `shown` for an image of `height` x `width` pixels."""
    return shown(points_px, vertices_px, *rasterize(vertices_px, triangles, height, width), triangles)


def depth_behind(
    points_px: NDArray[np.floating],
    vertices_px: NDArray[np.floating],
    triangles: NDArray[np.int32],
    height: int,
    width: int,
) -> NDArray[np.floating]:
    """(L,) pixels that the nearest surface lies before each of its points.

    Args:
        points_px: (L, 3) points of the surface; larger z is nearer. Those outside the image are moved to its border.
        vertices_px: (V, 3) vertices of the surface.
        triangles: (F, 3) its triangles.
        height: Rows of the image.
        width: Its columns.
    """
    depth = depth_map(vertices_px, *rasterize(vertices_px, triangles, height, width), triangles)
    col, row = (
        np.rint(np.clip(points_px[:, axis], 0, side - 1)).astype(np.intp) for axis, side in ((0, width), (1, height))
    )
    return np.asarray(np.clip(depth[row, col] - points_px[:, 2], 0, None))


def depth_map(
    vertices_px: NDArray[np.floating],
    triangle_ids: NDArray[np.int32],
    barycentric: NDArray[np.float32],
    triangles: NDArray[np.int32],
) -> NDArray[np.float32]:
    """(H, W) z of the surface at each pixel; minus infinity in the background."""
    depth = np.full(triangle_ids.shape, -np.inf, np.float32)
    is_covered = triangle_ids >= 0
    corners = vertices_px[:, 2][triangles].take(triangle_ids[is_covered], axis=0)
    depth[is_covered] = (corners * barycentric[is_covered]).sum(axis=-1)
    return depth


def facing(vertices_px: NDArray[np.floating], triangles: NDArray[np.int32], orientation: int = 1) -> NDArray[np.bool_]:
    """(F,) whether triangles face the camera, in an image that is not mirrored.

    The surface of a face is open, so the inside of its far half must not be drawn.

    Args:
        vertices_px: (V, 3) vertices, y downwards.
        triangles: (F, 3) triangles.
        orientation: 1 if they are counter-clockwise as seen from outside with y upwards, -1 if clockwise.
    """
    x, y = (vertices_px[triangles, axis] for axis in (0, 1))
    area = (x[:, 1] - x[:, 0]) * (y[:, 2] - y[:, 0]) - (x[:, 2] - x[:, 0]) * (y[:, 1] - y[:, 0])
    return np.asarray(orientation * area < 0)
