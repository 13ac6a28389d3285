"""A face model's surface as a grid over UV space, to take colours off and to put them on."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from datamodules.geometry.camera import HeadPose, project
from datamodules.geometry.interpolation import interpolate
from datamodules.geometry.morphable_model import MorphableModel
from datamodules.geometry.uv_grid import UVGrid
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
        grid: How they make a surface.
        texels: (G G, 2) float32 row, col of each vertex in a texture, not rounded.
    """

    mean: NDArray[np.float32]
    basis: NDArray[np.float32]
    grid: UVGrid
    texels: NDArray[np.float32]

    @classmethod
    def of(cls, model: MorphableModel, grid: int = _GRID) -> "FaceSurface":
        """A model's, with G = grid vertices a side."""
        triangle_ids, barycentric = cover_uv(model, grid)
        corners = model.triangles[triangle_ids]
        mean = interpolate(model.mean, corners, barycentric)
        basis = interpolate(model.basis, corners, barycentric).reshape(3 * grid * grid, -1)
        frontal = project(mean.reshape(-1, 3), HeadPose.frontal().projection(image_height=0))
        steps = np.linspace(0, TEXTURE - 1, grid, dtype=np.float32)
        rows, cols = np.meshgrid(steps, steps, indexing="ij")
        texels = np.stack([rows.ravel(), cols.ravel()], axis=1)
        return cls(mean, basis, UVGrid.of(frontal.reshape(mean.shape)), texels)

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


def _moved(
    mean: NDArray[np.float32], basis: NDArray[np.float32], coefficients: NDArray[np.floating]
) -> NDArray[np.float64]:
    offsets = basis @ coefficients.astype(np.float32)
    return (mean.ravel() + offsets).reshape(-1, 3).astype(np.float64)
