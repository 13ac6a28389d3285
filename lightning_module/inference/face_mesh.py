"""Converts a face to a textured mesh."""

import numpy as np
from numpy.typing import NDArray

from datamodules.geometry.landmarks import OUTER_EYE_CORNERS
from datamodules.geometry.textured_mesh import TexturedMesh
from datamodules.geometry.uv_grid import UVGrid
from lightning_module.inference.face import Face
from lightning_module.inference.photo_texture import photo_texture

_EYES_METRES = 0.09  # between the outer corners of the eyes of adults; sets the scale, which a photograph lacks


def textured_mesh(face: Face, size: int, fill_hidden: bool) -> TexturedMesh:
    """The surface of a face with a texture.

    Args:
        face: The face.
        size: Texels per side of its texture, a power of two.
        fill_hidden: Whether hidden texels are filled from their mirror twins; otherwise they have the colours of the
            photograph at their positions.
    """
    eyes_px = float(np.linalg.norm(np.diff(face.landmarks[OUTER_EYE_CORNERS], axis=0)))
    return TexturedMesh(
        face.vertices * [1, -1, 1] + [0, len(face.image) - 1, 0],
        face.triangles,
        face.layout.surface.interpolated(texture_coordinates(face.layout.grid, size)),
        photo_texture(face.image, face.map_px, face.layout.grid, size, fill_hidden),
        face.visible,
        _EYES_METRES / max(eyes_px, 1.0),
    )


def texture_coordinates(grid: UVGrid, size: int) -> NDArray[np.float64]:
    """(G G, 2) u, v of all texels of a map in a texture image; its outer corners are 0 and 1."""
    steps = (np.linspace(0, size - 1, len(grid.is_valid)) + 0.5) / size
    v, u = np.meshgrid(1 - steps, steps, indexing="ij")
    return np.stack([u.ravel(), v.ravel()], axis=1)
