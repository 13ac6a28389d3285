"""A face model's surface as a grid over UV space, to take colours off and to put them on."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from datamodules.geometry.camera import HeadPose, project
from datamodules.geometry.interpolation import interpolate
from datamodules.geometry.morphable_model import MorphableModel
from datamodules.geometry.uv_layout import cover_uv

TEXTURE = 256  # texels a side of a texture: about as many as a photograph of 450 pixels has for a face
_GRID = 96  # vertices a side: within 0.06 px of the whole Basel Face Model on average, 0.2 px at its landmarks
HULL_STEP = 5  # every so many-th vertex is enough for a hull


@dataclass(frozen=True, eq=False)
class FaceSurface:
    """What all faces of a model share: a position map's texels, taken as the vertices of a mesh.

    Attributes:
        mean: (G, G, 3) vertices in model space.
        basis: (3 G G, K + L) how coefficients move them.
        triangles: (2 (G - 1)^2, 3) vertices, row by row.
        texels: (G G, 2) float32 row, col of each vertex in a texture, not rounded.
        outward: 1 or -1: which way the product of a column's and a row's step looks outwards in an image.
    """

    mean: NDArray[np.float32]
    basis: NDArray[np.float32]
    triangles: NDArray[np.int32]
    texels: NDArray[np.float32]
    outward: int

    @classmethod
    def of(cls, model: MorphableModel, grid: int = _GRID) -> "FaceSurface":
        """A model's, with G = grid vertices a side."""
        triangle_ids, barycentric = cover_uv(model, grid)
        corners = model.triangles[triangle_ids]
        mean = interpolate(model.mean, corners, barycentric)
        basis = interpolate(model.basis, corners, barycentric).reshape(3 * grid * grid, -1)
        frontal = project(mean.reshape(-1, 3), HeadPose.frontal().projection(image_height=0))
        middle = slice(grid // 4, -grid // 4)
        looks = _normals(frontal.reshape(mean.shape))[middle, middle, 2]
        outward = 1 if np.median(looks) > 0 else -1  # the mean face looks at the camera
        steps = np.linspace(0, TEXTURE - 1, grid, dtype=np.float32)
        rows, cols = np.meshgrid(steps, steps, indexing="ij")
        return cls(mean, basis, _triangles(grid), np.stack([rows.ravel(), cols.ravel()], axis=1), outward)

    def points(self, leading_coefficients: NDArray[np.floating]) -> NDArray[np.float64]:
        """(G G, 3) vertices in model space of (K + L,) coefficients."""
        return _moved(self.mean.reshape(-1, 3), self.basis, leading_coefficients)

    def hull_points(self, leading_coefficients: NDArray[np.floating]) -> NDArray[np.float64]:
        """(M, 3) some of these vertices, enough for the outline of a face, in a fraction of the time."""
        return _moved(*self._hull, leading_coefficients)

    @cached_property
    def _hull(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        mean = self.mean.reshape(-1, 3)
        basis = self.basis.reshape(len(mean), 3, -1)[::HULL_STEP]
        return mean[::HULL_STEP], np.ascontiguousarray(basis).reshape(-1, basis.shape[2])

    def normals(self, vertices_px: NDArray[np.floating]) -> NDArray[np.float32]:
        """(G G, 3) unit normals, outwards, of vertices in an image that is not mirrored; z looks at the camera."""
        return np.asarray(self.outward * _normals(vertices_px.reshape(self.mean.shape)).reshape(-1, 3), np.float32)

    def seen_triangles(self, vertices_px: NDArray[np.floating]) -> NDArray[np.int32]:
        """(M, 3) triangles that look at the camera, of vertices in an image that is not mirrored.

        A face is a sheet: nobody is to see the inside of its far half.
        """
        x, y = (vertices_px[self.triangles, axis] for axis in (0, 1))
        area = (x[:, 1] - x[:, 0]) * (y[:, 2] - y[:, 0]) - (x[:, 2] - x[:, 0]) * (y[:, 1] - y[:, 0])
        return np.asarray(self.triangles[self.outward * area < 0])

    def in_uv(self, values: NDArray[np.floating]) -> NDArray[np.float32]:
        """(S, S, ...) values at all texels of a texture of (G G, ...) values of vertices."""
        grid = len(self.mean)
        return _enlarged(_enlarged(values.astype(np.float32).reshape(grid, grid, *values.shape[1:]), 0), 1)


def _moved(
    mean: NDArray[np.float32], basis: NDArray[np.float32], coefficients: NDArray[np.floating]
) -> NDArray[np.float64]:
    offsets = basis @ coefficients.astype(np.float32)
    return (mean.ravel() + offsets).reshape(-1, 3).astype(np.float64)


def _triangles(grid: int) -> NDArray[np.int32]:
    corner = np.arange(grid * grid, dtype=np.int32).reshape(grid, grid)
    a, b, c, d = corner[:-1, :-1], corner[:-1, 1:], corner[1:, :-1], corner[1:, 1:]
    return np.stack([a, c, b, b, c, d], axis=-1).reshape(-1, 3)


def _enlarged(values: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    """Values interpolated along an axis to the texels of a texture; its ends stay ends."""
    last = values.shape[axis] - 1
    places = np.linspace(0, last, TEXTURE, dtype=np.float32)
    before = np.minimum(places.astype(np.intp), last - 1)
    share = (places - before).reshape([-1 if i == axis else 1 for i in range(values.ndim)]).astype(np.float32)
    return np.asarray((1 - share) * values.take(before, axis) + share * values.take(before + 1, axis), np.float32)


def _normals(points: NDArray[np.floating]) -> NDArray[np.float64]:
    """(G, G, 3) unit normals of a grid of points."""
    down, across = np.gradient(points, axis=(0, 1))
    normals = np.cross(across, down)
    return np.asarray(normals / (np.linalg.norm(normals, axis=2, keepdims=True) + 1e-12))
