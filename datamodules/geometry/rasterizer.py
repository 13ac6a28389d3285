"""A rasteriser with a z-buffer: the triangle of each pixel, and the pixel's barycentric weights in it."""

import numpy as np
from numpy.typing import NDArray

from datamodules.geometry.compiled import compiled

_INSIDE = -1e-9  # smallest weight; a pixel on an edge belongs to the triangle in spite of rounding


def rasterize(
    vertices_px: NDArray[np.floating], triangles: NDArray[np.int32], height: int, width: int
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Nearest triangle and barycentric weights of every pixel.

    Args:
        vertices_px: (V, 3) x, y, z; pixel (row, col) is the point x = col, y = row; larger z is nearer.
        triangles: (F, 3) vertex indices, of either orientation.
        height: Rows.
        width: Columns.

    Returns:
        (height, width) triangle indices, -1 where there is none, and (height, width, 3) weights of its corners.
        At equal depth the first triangle is kept.
    """
    triangle_ids = np.full((height, width), -1, np.int32)
    barycentric = np.zeros((height, width, 3), np.float32)
    depth = np.full((height, width), -np.inf)
    _fill(
        np.ascontiguousarray(vertices_px, np.float64), np.ascontiguousarray(triangles), triangle_ids, barycentric, depth
    )
    return triangle_ids, barycentric


@compiled(error_model="numpy", nogil=True)
def _fill(vertices, triangles, triangle_ids, barycentric, depth):  # type: ignore[no-untyped-def]
    height, width = triangle_ids.shape
    for t in range(len(triangles)):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ax, ay, az = vertices[a, 0], vertices[a, 1], vertices[a, 2]
        bx, by, bz = vertices[b, 0], vertices[b, 1], vertices[b, 2]
        cx, cy, cz = vertices[c, 0], vertices[c, 1], vertices[c, 2]
        area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
        if area == 0.0 or not np.isfinite(area):
            continue
        first_row = max(int(np.ceil(min(ay, by, cy))), 0)
        last_row = min(int(np.floor(max(ay, by, cy))), height - 1)
        first_col = max(int(np.ceil(min(ax, bx, cx))), 0)
        last_col = min(int(np.floor(max(ax, bx, cx))), width - 1)
        if first_row > last_row or first_col > last_col:
            continue
        b_col, b_row = (cy - ay) / area, (ax - cx) / area  # change of the weights per pixel
        c_col, c_row = (ay - by) / area, (bx - ax) / area
        a_col = -b_col - c_col
        a_step, b_step, c_step = 1.0 / a_col, 1.0 / b_col, 1.0 / c_col
        for row in range(first_row, last_row + 1):
            b_at, c_at = b_row * (row - ay) - b_col * ax, c_row * (row - ay) - c_col * ax  # the weights at column 0
            a_at = 1.0 - b_at - c_at
            # the columns where no weight is negative, which is cheaper than testing every pixel
            first, last = _span(a_at, a_step, float(first_col), float(last_col))
            first, last = _span(b_at, b_step, first, last)
            first, last = _span(c_at, c_step, first, last)
            for col in range(int(np.ceil(first)), int(np.floor(last)) + 1):
                weight_b = b_at + b_col * col
                weight_c = c_at + c_col * col
                weight_a = 1.0 - weight_b - weight_c
                z = weight_a * az + weight_b * bz + weight_c * cz
                if z > depth[row, col]:
                    depth[row, col] = z
                    triangle_ids[row, col] = t
                    barycentric[row, col, 0] = weight_a
                    barycentric[row, col, 1] = weight_b
                    barycentric[row, col, 2] = weight_c


@compiled(error_model="numpy", inline="always")
def _span(at_zero, step, first, last):  # type: ignore[no-untyped-def]
    """The part of first ... last where at_zero + column / step is at least _INSIDE; last < first if it is empty."""
    if np.isinf(step):  # the same in all columns
        return (first, last) if at_zero >= _INSIDE else (first, first - 1.0)
    crossing = (_INSIDE - at_zero) * step
    return (max(first, crossing), last) if step > 0.0 else (first, min(last, crossing))
