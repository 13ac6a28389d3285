"""Colours of pixels from what the rasteriser found: texture times light, averaged over subpixels."""

import numpy as np
from numba import njit
from numpy.typing import NDArray


def shade(
    triangle_ids: NDArray[np.int32],
    barycentric: NDArray[np.float32],
    triangles: NDArray[np.int32],
    texels: NDArray[np.float32],
    light: NDArray[np.float32],
    texture: NDArray[np.float32],
    supersampling: int = 1,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """An image, and how much of each of its pixels is covered.

    Args:
        triangle_ids: (s H, s W) from `rasterize`, -1 where there is nothing.
        barycentric: (s H, s W, 3).
        triangles: (F, 3) vertex indices.
        texels: (V, 2) row, col in the texture, not rounded.
        light: (V, 3) that falls on each vertex.
        texture: (R, C, 3), read bilinearly.
        supersampling: Subpixels a side of a pixel, s.

    Returns:
        (H, W, 3) colours multiplied by coverage, and (H, W) coverage from 0 to 1.
    """
    height, width = (side // supersampling for side in triangle_ids.shape)
    image = np.zeros((height, width, 3), np.float32)
    coverage = np.zeros((height, width), np.float32)
    _fill(triangle_ids, barycentric, triangles, texels, light, texture, supersampling, image, coverage)
    return image, coverage


@njit(cache=True, error_model="numpy")
def _fill(triangle_ids, barycentric, triangles, texels, light, texture, s, image, coverage):  # type: ignore[no-untyped-def]
    height, width = coverage.shape
    last_row, last_col = texture.shape[0] - 2, texture.shape[1] - 2
    share = np.float32(1.0 / (s * s))
    for row in range(height * s):
        for col in range(width * s):
            t = triangle_ids[row, col]
            if t < 0:
                continue
            a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
            wa, wb, wc = barycentric[row, col, 0], barycentric[row, col, 1], barycentric[row, col, 2]
            y = wa * texels[a, 0] + wb * texels[b, 0] + wc * texels[c, 0]
            x = wa * texels[a, 1] + wb * texels[b, 1] + wc * texels[c, 1]
            top, left = min(max(int(y), 0), last_row), min(max(int(x), 0), last_col)
            y -= top
            x -= left
            for k in range(3):
                upper = texture[top, left, k] * (1 - x) + texture[top, left + 1, k] * x
                lower = texture[top + 1, left, k] * (1 - x) + texture[top + 1, left + 1, k] * x
                colour = upper * (1 - y) + lower * y
                brightness = wa * light[a, k] + wb * light[b, k] + wc * light[c, k]
                image[row // s, col // s, k] += share * colour * brightness
            coverage[row // s, col // s] += share
