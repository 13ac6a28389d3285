"""Draws a textured face into an image."""

import cv2
import numpy as np
from numpy.typing import NDArray

from datamodules.geometry.rasterizer import rasterize
from datamodules.geometry.shading import shade

SUPERSAMPLING = 2
_MOST_TEXELS = 2.5  # texels per subpixel; beyond, bilinear interpolation skips texels


def draw_face(
    colours: NDArray[np.floating | np.uint8],
    vertices_px: NDArray[np.floating],
    light: NDArray[np.float32],
    triangles: NDArray[np.int32],
    texels: NDArray[np.float32],
    behind: NDArray[np.floating | np.uint8],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Draws a face over a background.

    Args:
        colours: (S, S, 3) texture in UV space.
        vertices_px: (G G, 3) in pixels of the image; larger z is nearer.
        light: (G G, 3) brightness of each vertex, by colour channel.
        triangles: (M, 3) triangles of the surface that are drawn.
        texels: (G G, 2) row, col of each vertex in the texture.
        behind: (H, W, 3) background.

    Returns:
        (H, W, 3) float32 image, and (H, W) coverage of each pixel by the face, 0 to 1.
    """
    height, width = behind.shape[:2]
    first = (SUPERSAMPLING - 1) / 2  # the centre of a pixel is the centre of its subpixels
    fine = vertices_px * [SUPERSAMPLING, SUPERSAMPLING, 1] + [first, first, 0]
    ids, barycentric = rasterize(fine, triangles, height * SUPERSAMPLING, width * SUPERSAMPLING)
    colours, texels = _shrunk(colours.astype(np.float32), texels, np.ptp(fine[:, :2], axis=0).max())
    image, coverage = shade(ids, barycentric, triangles, texels, light, colours, SUPERSAMPLING)
    return image + behind * (1 - coverage[..., None]), coverage


def _shrunk(
    colours: NDArray[np.float32], texels: NDArray[np.float32], extent: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Texture and texel coordinates, shrunk to the resolution that a face of `extent` subpixels can show."""
    while len(colours) > _MOST_TEXELS * extent and len(colours) > 2:
        colours = np.asarray(cv2.resize(colours, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.float32)
        texels = np.asarray((texels - 0.5) / 2, np.float32)  # the centre of a coarse texel is the centre of its four
    return colours, texels
