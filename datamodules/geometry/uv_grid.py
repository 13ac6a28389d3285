"""A position map as a mesh whose vertices are its texels."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from datamodules.geometry.cut_surface import CutSurface
from datamodules.geometry.visibility import facing


@dataclass(frozen=True, eq=False)
class UVGrid:
    """The mesh over G x G texels, which is the same for all faces.

    Attributes:
        is_valid: (G, G) texels that are part of the surface.
        outward: Sign of the outward normal relative to the cross product of a column step and a row step: 1 or -1.
    """

    is_valid: NDArray[np.bool_]
    outward: int

    @classmethod
    def of(cls, mean_px: NDArray[np.floating], is_valid: NDArray[np.bool_] | None = None) -> "UVGrid":
        """The grid of a (G, G, 3) frontal mean face in pixels of an image; by default all texels are valid."""
        grid = len(mean_px)
        middle = slice(grid // 4, -grid // 4)
        looks = _normals(mean_px)[middle, middle, 2]
        valid = np.ones((grid, grid), bool) if is_valid is None else is_valid
        return cls(valid, 1 if np.median(looks) > 0 else -1)

    @cached_property
    def triangles(self) -> NDArray[np.int32]:
        """(F, 3) vertices, row by row."""
        grid = len(self.is_valid)
        corner = np.arange(grid * grid, dtype=np.int32).reshape(grid, grid)
        a, b, c, d = corner[:-1, :-1], corner[:-1, 1:], corner[1:, :-1], corner[1:, 1:]
        triangles = np.stack([a, c, b, b, c, d], axis=-1).reshape(-1, 3)
        return np.asarray(triangles[self.is_valid.ravel()[triangles].all(axis=1)])

    @cached_property
    def used(self) -> NDArray[np.int32]:
        """(U,) the vertices of the triangles."""
        return np.unique(self.triangles)

    @cached_property
    def outward_triangles(self) -> NDArray[np.int32]:
        """(F, 3) the same triangles, counter-clockwise as seen from outside with y upwards, as in mesh files."""
        return self.triangles if self.outward > 0 else np.ascontiguousarray(self.triangles[:, ::-1])

    def cut(self, height: NDArray[np.floating], step: int = 1) -> CutSurface:
        """The surface over the texels of every `step`-th row and column that ends at a curve, which may run anywhere.

        Args:
            height: (G, G) height of the texels over the curve, above 0 within it.
            step: Texels between the vertices of the surface.

        Returns:
            Its triangles are counter-clockwise as seen from outside with y upwards; its texels are numbered as in the grid.
        """
        coarse = UVGrid(np.ones_like(self.is_valid[::step, ::step]), self.outward)
        surface = CutSurface.of(coarse.outward_triangles, height[::step, ::step].ravel())
        numbers = np.arange(self.is_valid.size).reshape(self.is_valid.shape)[::step, ::step].ravel()
        return replace(surface, inner=numbers[surface.inner], outer=numbers[surface.outer])

    def normals(self, vertices_px: NDArray[np.floating]) -> NDArray[np.float32]:
        """(G G, 3) outward unit normals of vertices in an image that is not mirrored; z points to the camera."""
        return np.asarray(
            self.outward * _normals(vertices_px.reshape(*self.is_valid.shape, 3)).reshape(-1, 3), np.float32
        )

    def seen_triangles(self, vertices_px: NDArray[np.floating]) -> NDArray[np.int32]:
        """(M, 3) triangles that face the camera, for vertices in an image that is not mirrored."""
        return np.asarray(self.triangles[facing(vertices_px, self.triangles, self.outward)])

    def in_uv(self, values: NDArray[np.floating], size: int) -> NDArray[np.float32]:
        """(S, S, ...) values at all texels of a texture with S texels per side, from (G G, ...) values at vertices."""
        values = values.astype(np.float32).reshape(*self.is_valid.shape, *values.shape[1:])
        return _resampled(_resampled(values, 0, size), 1, size)


def _resampled(values: NDArray[np.float32], axis: int, size: int) -> NDArray[np.float32]:
    """Values interpolated linearly along an axis; the first and the last are kept."""
    last = values.shape[axis] - 1
    places = np.linspace(0, last, size, dtype=np.float32)
    before = np.minimum(places.astype(np.intp), last - 1)
    share = (places - before).reshape([-1 if i == axis else 1 for i in range(values.ndim)]).astype(np.float32)
    return np.asarray((1 - share) * values.take(before, axis) + share * values.take(before + 1, axis), np.float32)


def _normals(points: NDArray[np.floating]) -> NDArray[np.float64]:
    """(G, G, 3) unit normals of a grid of points."""
    down, across = np.gradient(points, axis=(0, 1))
    normals = np.cross(across, down)
    return np.asarray(normals / (np.linalg.norm(normals, axis=2, keepdims=True) + 1e-12))
