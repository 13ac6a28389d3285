"""Colours of rasterised pixels: texture times light, averaged over subpixels."""

import numpy as np
from numpy.typing import NDArray

from datamodules.geometry.compiled import compiled


def shade(
    triangle_ids: NDArray[np.int32],
    barycentric: NDArray[np.float32],
    triangles: NDArray[np.int32],
    texels: NDArray[np.float32],
    light: NDArray[np.float32],
    texture: NDArray[np.float32],
    supersampling: int = 1,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Shades a rasterised mesh.

    Args:
        triangle_ids: (s H, s W) from `rasterize`; -1 marks the background.
        barycentric: (s H, s W, 3).
        triangles: (F, 3) vertex indices.
        texels: (V, 2) row, col in the texture, not rounded.
        light: (V, 3) brightness of each vertex, by colour channel.
        texture: (R, C, 3), read bilinearly.
        supersampling: Subpixels per side of each pixel, s.

    Returns:
        (H, W, 3) colours multiplied by coverage, and (H, W) coverage from 0 to 1.
    """
    height, width = (side // supersampling for side in triangle_ids.shape)
    image = np.zeros((height, width, 3), np.float32)
    coverage = np.zeros((height, width), np.float32)
    _fill(triangle_ids, barycentric, triangles, texels, light, texture, supersampling, image, coverage)
    return image, coverage


@compiled(error_model="numpy")
def _fill(triangle_ids, barycentric, triangles, texels, light, texture, s, image, coverage):  # type: ignore[no-untyped-def]
    height, width = coverage.shape
    last_row, last_col = texture.shape[0] - 2, texture.shape[1] - 2
    share, one = np.float32(1.0 / (s * s)), np.float32(1.0)
    for row in range(height * s):
        image_row, coverage_row = image[row // s], coverage[row // s]
        for col in range(width * s):
            t = triangle_ids[row, col]
            if t < 0:
                continue
            a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
            wa, wb, wc = barycentric[row, col, 0], barycentric[row, col, 1], barycentric[row, col, 2]
            y = wa * texels[a, 0] + wb * texels[b, 0] + wc * texels[c, 0]
            x = wa * texels[a, 1] + wb * texels[b, 1] + wc * texels[c, 1]
            top, left = min(max(int(y), 0), last_row), min(max(int(x), 0), last_col)
            # float32 throughout: an integer operand would promote the result to float64
            down, right = y - np.float32(top), x - np.float32(left)
            up_left, up_right = (one - down) * (one - right), (one - down) * right
            low_left, low_right = down * (one - right), down * right
            for k in range(3):
                colour = (
                    texture[top, left, k] * up_left
                    + texture[top, left + 1, k] * up_right
                    + texture[top + 1, left, k] * low_left
                    + texture[top + 1, left + 1, k] * low_right
                )
                brightness = wa * light[a, k] + wb * light[b, k] + wc * light[c, k]
                image_row[col // s, k] += share * colour * brightness
            coverage_row[col // s] += share
