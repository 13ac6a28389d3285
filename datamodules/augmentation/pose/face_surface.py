"""The surface of a face model as a grid over UV space, for reading and drawing textures."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from datamodules.geometry.camera import HeadPose, project
from datamodules.geometry.morphable_model import MorphableModel
from datamodules.geometry.uv_grid import UVGrid
from datamodules.geometry.uv_layout import sample_in_uv

TEXTURE = 256  # texels per side of a texture: about the resolution of a face in a photograph of 450 pixels
_GRID = 96  # vertices per side: within 0.06 px of the whole Basel Face Model on average, 0.2 px at its landmarks
HULL_STEP = 5  # every fifth vertex is enough for a hull


@dataclass(frozen=True, eq=False)
class FaceSurface:
    """A face model whose vertices are the texels of a coarse position map.

    Attributes:
        mean: (G, G, 3) vertices in model space.
        basis: (3 G G, K + L) displacement of the vertices by each coefficient.
        grid: The triangles over these vertices.
        texels: (G G, 2) float32 row, col of each vertex in a texture, not rounded.
    """

    mean: NDArray[np.float32]
    basis: NDArray[np.float32]
    grid: UVGrid
    texels: NDArray[np.float32]

    @classmethod
    def of(cls, model: MorphableModel, grid: int = _GRID) -> "FaceSurface":
        """The surface of a model, with G = grid vertices per side."""
        mean, basis = sample_in_uv(model, grid, model.mean, model.basis)
        frontal = project(mean.reshape(-1, 3), HeadPose.frontal().projection(image_height=0))
        steps = np.linspace(0, TEXTURE - 1, grid, dtype=np.float32)
        rows, cols = np.meshgrid(steps, steps, indexing="ij")
        texels = np.stack([rows.ravel(), cols.ravel()], axis=1)
        return cls(mean, basis.reshape(3 * grid * grid, -1), UVGrid.of(frontal.reshape(mean.shape)), texels)

    def points(self, leading_coefficients: NDArray[np.floating]) -> NDArray[np.float64]:
        """(G G, 3) vertices in model space of (K + L,) coefficients."""
        return _moved(self.mean.reshape(-1, 3), self.basis, leading_coefficients)

    def hull_points(self, leading_coefficients: NDArray[np.floating]) -> NDArray[np.float64]:
        """(M, 3) every fifth of these vertices: enough for the outline of a face, and faster."""
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
