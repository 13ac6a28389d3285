"""A face as a mesh with its colours."""

import numpy as np
from numpy.typing import NDArray

from datamodules.augmentation.pose.face_texture import lift_texture, sample_texture
from datamodules.geometry.textured_mesh import TexturedMesh
from datamodules.geometry.uv_grid import UVGrid
from lightning_module.inference.reconstructed_face import ReconstructedFace

_EYES_METRES = 0.09  # between the outer corners of the eyes, as adults have it: a photograph knows no lengths
_OUTER_EYE_CORNERS = [36, 45]
_MARGIN_PX = 2  # about a face, for interpolation


def textured_mesh(face: ReconstructedFace, size: int, fill_hidden: bool) -> TexturedMesh:
    """The valid texels of a face's map, triangulated.

    Args:
        face: The face.
        size: Texels a side of its texture, a power of two.
        fill_hidden: Whether what the photograph does not show is filled from its mirror twin; else it has whatever
            the photograph shows in its place.
    """
    grid = face.meaning.grid
    used, triangles = np.unique(grid.outward_triangles, return_inverse=True)
    pixels, vertices_px = _window(face)
    if fill_hidden:
        texture = np.rint(lift_texture(pixels, vertices_px, grid, size).colours).astype(np.uint8)
    else:
        texture = sample_texture(pixels, vertices_px, grid, size)
    vertices = face.vertices_px[used] * [1, -1, 1] + [0, len(face.image) - 1, 0]
    eyes_px = float(np.linalg.norm(np.diff(face.landmarks_68_px[_OUTER_EYE_CORNERS], axis=0)))
    return TexturedMesh(
        vertices,
        triangles.reshape(-1, 3).astype(np.int32),
        texture_coordinates(grid, size)[used],
        texture,
        face.is_visible[used],
        _EYES_METRES / max(eyes_px, 1.0),
    )


def _window(face: ReconstructedFace) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """The part of the photograph that the face is in, and the vertices there: the rest need not be looked at."""
    used = face.vertices_px[face.meaning.grid.triangles.ravel(), :2]
    last = np.array(face.image.shape[1::-1]) - 1
    left, top = np.clip(np.floor(used.min(axis=0)) - _MARGIN_PX, 0, last).astype(int)
    right, bottom = np.clip(np.ceil(used.max(axis=0)) + _MARGIN_PX, 0, last).astype(int)
    return face.image[top : bottom + 1, left : right + 1], face.vertices_px - [left, top, 0]


def texture_coordinates(grid: UVGrid, size: int) -> NDArray[np.float64]:
    """(G G, 2) u, v of all vertices in a texture image, whose corners, not its corner texels' centres, are 0 and 1."""
    steps = (np.linspace(0, size - 1, len(grid.is_valid)) + 0.5) / size
    v, u = np.meshgrid(1 - steps, steps, indexing="ij")
    return np.stack([u.ravel(), v.ravel()], axis=1)
