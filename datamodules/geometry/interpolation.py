"""Barycentric interpolation of values at vertices."""

import numpy as np
from numpy.typing import NDArray

from datamodules.geometry.compiled import compiled


def interpolate(
    values: NDArray[np.floating], corners: NDArray[np.int32], barycentric: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Barycentric interpolation.

    Args:
        values: (V, ...) one value, vector or matrix per vertex.
        corners: (*S, 3) vertices of the triangle of each point.
        barycentric: (*S, 3) weights of those vertices.

    Returns:
        (*S, ...) float32.
    """
    columns = np.ascontiguousarray(values.reshape(len(values), -1), np.float32)
    points = _gather(columns, np.ascontiguousarray(corners.reshape(-1, 3)), barycentric.reshape(-1, 3))
    return np.asarray(points.reshape(*corners.shape[:-1], *values.shape[1:]), np.float32)


@compiled()
def _gather(columns, corners, barycentric):  # type: ignore[no-untyped-def]
    points = np.empty((len(corners), columns.shape[1]), np.float32)
    for i in range(len(corners)):
        a, b, c = corners[i]
        weight_a, weight_b, weight_c = barycentric[i]
        for j in range(columns.shape[1]):
            points[i, j] = weight_a * columns[a, j] + weight_b * columns[b, j] + weight_c * columns[c, j]
    return points
