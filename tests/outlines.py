"""The outlines of meshes: where they run, and how smooth they are."""

import numpy as np
from numpy.typing import NDArray


def outlines(triangles: NDArray[np.integer]) -> list[list[int]]:
    """The closed curves at which (F, 3) triangles end, each a list of vertices, none of which occurs twice."""
    edges = triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2).astype(np.int64)  # in the direction of their triangle
    size = edges.max() + 1
    numbers, twins = edges[:, 0] * size + edges[:, 1], edges[:, 1] * size + edges[:, 0]
    assert len(np.unique(numbers)) == len(edges), "two triangles lie on the same side of an edge"
    border = edges[~np.isin(numbers, twins)]
    following = dict(border.tolist())
    assert len(following) == len(border) == len(set(following.values())), "two outlines touch"
    curves = []
    while following:
        curve = [min(following)]
        while (after := following.pop(curve[-1])) != curve[0]:
            curve.append(after)
        curves.append(curve)
    return curves


def turning_deg(points: NDArray[np.floating]) -> NDArray[np.float64]:
    """(N,) change of direction at each of the (N, D) points of a closed curve, in degrees; 360 in all for a convex one."""
    steps = np.roll(points, -1, axis=0) - points
    steps = steps / np.linalg.norm(steps, axis=1, keepdims=True)
    return np.degrees(np.arccos(np.clip((steps * np.roll(steps, 1, axis=0)).sum(axis=1), -1, 1)))


def signed_areas(points: NDArray[np.floating], triangles: NDArray[np.integer]) -> NDArray[np.float64]:
    """(F,) areas of triangles over (V, 2) row, col; positive if they are counter-clockwise with rows downwards."""
    a, b, c = np.moveaxis(points[triangles], 1, 0)
    (b_row, b_col), (c_row, c_col) = (b - a).T, (c - a).T
    return (c_col * b_row - b_col * c_row) / 2


def texels(size: int) -> NDArray[np.float64]:
    """(size size, 2) row, col of all texels."""
    return np.stack(np.divmod(np.arange(size * size), size), axis=1).astype(np.float64)
