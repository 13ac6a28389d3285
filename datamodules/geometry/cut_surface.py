"""Triangles over the texels of a position map, cut along a smooth curve."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_NEAR = 0.3  # of an edge: a texel that is this close to the curve moves onto it, where a cut would leave a sliver

Numbers = NDArray[np.intp]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CutSurface:
    """A mesh over N texels that ends at a curve, the same for all faces of a layout.

    A vertex is a texel, or lies where the curve crosses an edge between two texels. What is known at texels, such as
    positions, is interpolated linearly there.

    Attributes:
        inner: (V,) texel of each vertex: the vertex itself, or the end of its edge that lies within the curve.
        outer: (V,) the other end of its edge; the vertex itself if it is a texel.
        share: (V,) place on the edge, from 0 at the inner end to 1 at the outer one.
        triangles: (F, 3) vertices, in the order of the triangles that were cut.
    """

    inner: Numbers
    outer: Numbers
    share: Floats
    triangles: NDArray[np.int32]

    @classmethod
    def of(cls, triangles: NDArray[np.int32], height: NDArray[np.floating]) -> "CutSurface":
        """The part of some triangles that lies within a curve.

        Triangles that the curve does not touch stay as they are. Texels close to the curve move onto it along an edge.

        Args:
            triangles: (F, 3) triangles over the texels.
            height: (N,) height of the texels over the curve, above 0 within it. The curve crosses an edge where the
                height, interpolated linearly along it, is 0.
        """
        count = len(height)
        crossings = _Crossings.of(triangles, height)
        moved = crossings.nearest()
        side = np.where(moved < 0, np.sign(height), 0).astype(np.int8)
        used, corners = np.unique(_parts_within(triangles, side, crossings), return_inverse=True)
        crossing = np.where(used < count, moved[np.minimum(used, count - 1)], used - count)
        inner, outer, share = used.copy(), used.copy(), np.zeros(len(used))
        on_curve = crossing >= 0
        crossing = crossing[on_curve]
        inner[on_curve], outer[on_curve] = crossings.inner[crossing], crossings.outer[crossing]
        share[on_curve] = crossings.share[crossing]
        return cls(inner, outer, share, corners.reshape(-1, 3).astype(np.int32))

    def interpolated(self, values: NDArray[np.floating]) -> Floats:
        """(V, ...) values at the vertices, from (N, ...) values at the texels."""
        share = self.share.reshape(-1, *[1] * (values.ndim - 1))
        return np.asarray((1 - share) * values[self.inner] + share * values[self.outer], np.float64)


@dataclass(frozen=True, eq=False)
class _Crossings:
    """The E edges of triangles that a curve crosses.

    Attributes:
        keys: (E,) ascending numbers of the edges.
        inner: (E,) their ends within the curve.
        outer: (E,) their ends outside it.
        share: (E,) place of the curve on them, from 0 at the inner end to 1 at the outer one.
        texels: Number of texels.
    """

    keys: Numbers
    inner: Numbers
    outer: Numbers
    share: Floats
    texels: int

    @classmethod
    def of(cls, triangles: NDArray[np.int32], height: NDArray[np.floating]) -> "_Crossings":
        edges = triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2).astype(np.intp)
        edges = edges[height[edges].min(axis=1) * height[edges].max(axis=1) < 0]
        keys, first = np.unique(_keys(edges[:, 0], edges[:, 1], len(height)), return_index=True)
        one, other = edges[first].T
        is_within = height[one] > 0
        inner, outer = np.where(is_within, one, other), np.where(is_within, other, one)
        return cls(keys, inner, outer, height[inner] / (height[inner] - height[outer]), len(height))

    def between(self, one: Numbers, other: Numbers) -> Numbers:
        """(n,) numbers of the vertices on crossed edges, which follow those of the texels."""
        return self.texels + np.searchsorted(self.keys, _keys(one, other, self.texels))

    def nearest(self) -> Numbers:
        """(N,) crossed edge along which each texel moves onto the curve; -1 for texels that stay."""
        ends = np.concatenate([self.inner, self.outer])
        distance = np.concatenate([self.share, 1 - self.share])
        edge = np.tile(np.arange(len(self.inner)), 2)
        order = np.argsort(-distance, kind="stable")  # the nearest is written last
        order = order[distance[order] < _NEAR]
        moved = np.full(self.texels, -1)
        moved[ends[order]] = edge[order]
        return moved


def _keys(one: Numbers, other: Numbers, texels: int) -> Numbers:
    """(n,) one number for each edge, in either direction."""
    return np.asarray(np.minimum(one, other) * texels + np.maximum(one, other), np.intp)


def _parts_within(triangles: NDArray[np.int32], side: NDArray[np.int8], crossings: _Crossings) -> Numbers:
    """(M, 3) numbers of the vertices of what remains of triangles, from (N,) 1 within the curve, 0 on it, -1 outside."""
    corners = triangles.astype(np.intp)
    signs = side[corners]
    within, on, outside = ((signs == sign).sum(axis=1) for sign in (1, 0, -1))

    def turned(case: NDArray[np.bool_], sign: int) -> NDArray[np.intp]:
        """(3, n) corners of triangles of a case, the only one with a sign first."""
        first = np.argmax(signs[case] == sign, axis=1)
        return np.take_along_axis(corners[case], (first[:, None] + [0, 1, 2]) % 3, axis=1).T

    whole = corners[(outside == 0) & (within > 0)]
    a, b, c = turned((within == 1) & (outside == 2), 1)
    tips = np.stack([a, crossings.between(a, b), crossings.between(a, c)], axis=1)
    a, b, c = turned((within == 1) & (on == 1) & (outside == 1), 0)
    is_within = side[b] > 0
    cut = crossings.between(b, c)
    halves = np.stack([a, np.where(is_within, b, cut), np.where(is_within, cut, c)], axis=1)
    a, b, c = turned((within == 2) & (outside == 1), -1)
    near_b, near_c = crossings.between(a, b), crossings.between(a, c)
    # a quadrilateral is split along the diagonal that leaves the larger smallest triangle
    up_b, up_c = (1 - crossings.share[near - crossings.texels] for near in (near_b, near_c))
    by_b = np.minimum(up_c * (1 - up_b), 1 - up_c) > np.minimum(up_b * (1 - up_c), 1 - up_b)
    upper = np.stack([near_b, b, np.where(by_b, near_c, c)], axis=1)
    lower = np.stack([np.where(by_b, b, near_b), c, near_c], axis=1)
    return np.concatenate([whole, tips, halves, upper, lower])
