"""Reads the texture of a face from its photograph."""

import numpy as np
from numpy.typing import NDArray

from datamodules.augmentation.pose.face_texture import lift_texture, sample_texture
from datamodules.geometry.uv_grid import UVGrid

_MARGIN_PX = 2  # margin about a face, for interpolation


def photo_texture(
    image: NDArray[np.uint8], points_px: NDArray[np.float64], grid: UVGrid, size: int, fill_hidden: bool
) -> NDArray[np.uint8]:
    """(size, size, 3) colours of a face in UV space.

    Args:
        image: (H, W, 3) RGB photograph.
        points_px: (G G, 3) texels of the face's map in the photograph.
        grid: The surface over the texels.
        size: Texels per side of the texture, a power of two.
        fill_hidden: Whether hidden texels are filled from their mirror twins; otherwise they have the colours of the
            photograph at their positions.
    """
    pixels, points = _window(image, points_px, grid)
    if fill_hidden:
        return np.rint(lift_texture(pixels, points, grid, size).colours).astype(np.uint8)
    return sample_texture(pixels, points, grid, size)


def _window(
    image: NDArray[np.uint8], points_px: NDArray[np.float64], grid: UVGrid
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """The part of the photograph that contains the face, and the points in its pixels."""
    used = points_px[grid.triangles.ravel(), :2]
    last = np.array(image.shape[1::-1]) - 1
    left, top = np.clip(np.floor(used.min(axis=0)) - _MARGIN_PX, 0, last).astype(int)
    right, bottom = np.clip(np.ceil(used.max(axis=0)) + _MARGIN_PX, 0, last).astype(int)
    return image[top : bottom + 1, left : right + 1], points_px - [left, top, 0]
