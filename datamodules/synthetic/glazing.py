"""Lenses of glasses before a picture: they take light, and reflect what is around."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from datamodules.geometry.rasterizer import rasterize
from datamodules.synthetic.adornments import Spectacles
from datamodules.synthetic.head import Array, ramp
from datamodules.synthetic.noise import smooth_noise
from datamodules.synthetic.skin_planes import to_linear
from datamodules.synthetic.surfaces import Surface, surface_triangles

_BRIGHT = 1.4  # a reflected window or lamp, relative to white
_PANE = 64


class Drawn(NamedTuple):
    """A rasterised scene, in subpixels.

    Attributes:
        depths: (V,) of its vertices; larger is nearer.
        triangles: (F, 3).
        ids: (s S, s S) the triangle that each subpixel shows, -1 where there is none.
        barycentric: (s S, s S, 3) weights of its corners.
    """

    depths: Array
    triangles: NDArray[np.int32]
    ids: NDArray[np.int32]
    barycentric: NDArray[np.float32]


def glaze(
    image: NDArray[np.float32], lenses: Surface, scene: Drawn, glasses: Spectacles, rng: np.random.Generator
) -> NDArray[np.float32]:
    """The picture of a scene, behind lenses where they stand before it.

    Args:
        image: (S, S, 3) linear.
        lenses: (2, R, C, 3) points in subpixels, and the place of each on its lens.
        scene: What the picture shows.
        glasses: The glasses.
        rng: Draws what the lenses reflect.
    """
    grids, rings, outline, _ = lenses.points.shape
    triangles = surface_triangles(rings, outline, grids)
    lenses_px, places = lenses.points.reshape(-1, 3), lenses.texels.reshape(-1, 2)
    size = len(image)
    s = len(scene.ids) // size
    low = np.clip(np.floor(lenses_px[:, :2].min(axis=0) / s).astype(int), 0, size)
    high = np.clip(np.ceil(lenses_px[:, :2].max(axis=0) / s).astype(int) + 1, 0, size)
    (left, top), (right, bottom) = low.tolist(), high.tolist()
    if left >= right or top >= bottom:
        return image
    rows, columns = slice(top * s, bottom * s), slice(left * s, right * s)
    height, width = bottom - top, right - left
    glass_ids, weights = rasterize(lenses_px - [left * s, top * s, 0], triangles, height * s, width * s)
    ids = scene.ids[rows, columns]
    behind = np.einsum("hwc,hwc->hw", scene.depths[scene.triangles[ids]], scene.barycentric[rows, columns])
    corners = triangles[glass_ids]
    in_front = np.einsum("hwc,hwc->hw", lenses_px[corners, 2], weights) > behind
    is_glass = (glass_ids >= 0) & (in_front | (ids < 0))
    at = np.einsum("hwcp,hwc->hwp", places[corners], weights)
    shine = np.where(is_glass, _reflection(at, rng), 0)
    share, reflected = (
        part.reshape(height, s, width, s).mean(axis=(1, 3)).astype(np.float32)[..., None]
        for part in (is_glass.astype(np.float32), shine)
    )
    through = 1 - np.float32(glasses.tint) * (1 - to_linear(glasses.lens))
    strength = np.float32(glasses.mirroring)
    glazed = image.copy()
    part = glazed[top:bottom, left:right]
    part *= 1 - share * (1 - through * (1 - strength))
    part += strength * reflected * (to_linear(rng.uniform(120, 255, 3)))
    return glazed


def _reflection(at: Array, rng: np.random.Generator) -> Array:
    """(H, W) brightness that a lens reflects at places (H, W, 2) on it: a bright sky, and a window or lamps."""
    down, across = at[..., 0], at[..., 1]
    sky = rng.uniform(0, 0.6) * ramp(down, 0.75, 0.25)
    bright: Array
    if rng.random() < 0.5:
        top, left = rng.uniform(0, 0.6, 2)
        slant = rng.normal(0, 0.3) * (down - 0.5)
        bright = ramp(np.abs(across + slant - left - 0.15), 0.18, 0.13) * ramp(np.abs(down - top - 0.2), 0.25, 0.18)
        bright *= np.abs(across + slant - left - 0.15) > 0.015  # bar of the window
    else:
        pane = smooth_noise((_PANE, _PANE), 16, rng)
        rows, columns = np.clip(at * _PANE, 0, _PANE - 1).astype(np.intp).transpose(2, 0, 1)
        bright = ramp(pane[rows, columns], 0.3, 1.2)
    return np.asarray(sky + _BRIGHT * bright)
