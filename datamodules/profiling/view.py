"""A textured face, drawn into an image."""

import numpy as np
from numpy.typing import NDArray

from datamodules.geometry.rasterizer import rasterize
from datamodules.geometry.shading import shade
from datamodules.profiling.surface import FaceSurface

SUPERSAMPLING = 2


def draw_face(
    colours: NDArray[np.float32],
    vertices_px: NDArray[np.floating],
    surface: FaceSurface,
    behind: NDArray[np.floating | np.uint8],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """An image with the face in front of what is behind it.

    Args:
        colours: (S, S, C) in UV space; C is 3.
        vertices_px: (V, 3) in pixels of the image, nearer is larger.
        surface: Of the model.
        behind: (H, W, 3).

    Returns:
        (H, W, 3) float32, and (H, W) how much of each pixel the face covers, from 0 to 1.
    """
    height, width = behind.shape[:2]
    first = (SUPERSAMPLING - 1) / 2  # the centre of a pixel is the centre of its subpixels
    fine = vertices_px * [SUPERSAMPLING, SUPERSAMPLING, 1] + [first, first, 0]
    ids, barycentric = rasterize(fine, surface.triangles, height * SUPERSAMPLING, width * SUPERSAMPLING)
    light = np.ones((len(vertices_px), 3), np.float32)
    image, coverage = shade(ids, barycentric, surface.triangles, surface.texels, light, colours, SUPERSAMPLING)
    return image + behind * (1 - coverage[..., None]), coverage
