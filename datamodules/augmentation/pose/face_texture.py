"""The texture of a face in UV space: visible colours from its photograph, the rest filled in from them."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from datamodules.augmentation.pose.face_surface import TEXTURE
from datamodules.geometry.face_size import box_size
from datamodules.geometry.rasterizer import rasterize
from datamodules.geometry.uv_grid import UVGrid
from datamodules.geometry.visibility import shown

Array = NDArray[np.float32]

_LEAST_FACING = 0.15  # cosine to the line of sight below which a texel is unusable
_FULL_FACING = 0.4  # cosine above which a texel has full weight
_EDGE = 2  # texels (of 256) left out at the border of the visible area
_SILHOUETTE = (0.025, 0.07)  # of the face's size: this close to the silhouette a texel may show the background
_MOST_PIXELS = 2.0  # pixels of the photograph per texel
_DETAIL = 12.0  # texels; finer structure counts as detail


@dataclass(frozen=True, eq=False)
class FaceTexture:
    """Colours of the whole face.

    Attributes:
        colours: (S, S, 3) float32, 0 to 255.
        seen: (S, S) float32 visibility of each texel in the photograph, 0 to 1; the colour of a visible texel is the
            photograph's.
    """

    colours: Array
    seen: Array


def lift_texture(
    pixels: NDArray[np.uint8], vertices_px: NDArray[np.floating], grid: UVGrid, size: int = TEXTURE
) -> FaceTexture:
    """The texture of a face in a photograph.

    Args:
        pixels: (H, W, 3) RGB.
        vertices_px: (G G, 3) fitted surface of the face in image pixels; larger z is nearer.
        grid: The triangles over the vertices. UV space is symmetric: mirror twins lie at u and 1 - u.
        size: Texels per side of the texture, S, a power of two.
    """
    pixels, vertices_px = _shrunk(pixels, vertices_px, grid, size)
    colours = _colours(pixels, vertices_px, grid, size)
    seen = _seen(pixels.shape[0], pixels.shape[1], vertices_px, grid, size)
    twins, twins_seen = colours[:, ::-1], seen[:, ::-1]
    # light falls from one side: the colour of a twin is corrected by the difference of the halves where both are seen
    difference = pull_push(colours - twins, seen * twins_seen)
    share = (1 - seen) * twins_seen
    weight = seen + share
    mixed = (seen[..., None] * colours + share[..., None] * (twins + difference)) / np.maximum(weight, 1e-6)[..., None]
    return FaceTexture(np.clip(pull_push(mixed, weight), 0, 255), seen)


def sample_texture(
    pixels: NDArray[np.uint8], vertices_px: NDArray[np.floating], grid: UVGrid, size: int = TEXTURE
) -> NDArray[np.uint8]:
    """(S, S, 3) colour of the photograph at the position of each texel, whether or not the texel is visible."""
    colours = _colours(*_shrunk(pixels, vertices_px, grid, size), grid, size)
    return np.asarray(np.rint(colours), np.uint8)


def transfer_detail(detail: NDArray[np.uint8], tone: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(S, S, 3) texture that combines the fine structure of one face with the broad tone of another."""
    broad = cv2.GaussianBlur(detail, (0, 0), _DETAIL), cv2.GaussianBlur(tone, (0, 0), _DETAIL)
    return np.asarray(np.clip(detail.astype(np.int16) - broad[0] + broad[1], 0, 255), np.uint8)


def pull_push(values: NDArray[np.floating], weights: NDArray[np.floating]) -> Array:
    """Fills values in smoothly where they have no weight (Gortler et al., 1996).

    Args:
        values: (S, S, C), S a power of two.
        weights: (S, S) from 0 to 1.

    Returns:
        (S, S, C); zeros where there is no weight at all.
    """
    pulled = [(values * weights[..., None], weights)]
    while len(pulled[-1][1]) > 1:
        sums, weight = pulled[-1]
        half = len(weight) // 2
        weight = weight.reshape(half, 2, half, 2).sum(axis=(1, 3))
        full = np.maximum(weight, 1)  # four full texels make one full texel
        sums = sums.reshape(half, 2, half, 2, -1).sum(axis=(1, 3)) / full[..., None]
        pulled.append((sums, weight / full))
    pushed: Array = np.zeros_like(pulled[-1][0])
    for sums, weight in reversed(pulled):
        coarse = cv2.resize(pushed, weight.shape[::-1], interpolation=cv2.INTER_LINEAR)
        pushed = sums + (1 - weight)[..., None] * coarse.reshape(sums.shape)
    return pushed


def _shrunk(
    pixels: NDArray[np.uint8], vertices_px: NDArray[np.floating], grid: UVGrid, size: int
) -> tuple[NDArray[np.uint8], NDArray[np.floating]]:
    """The photograph, shrunk so that bilinear interpolation skips no pixel, and the vertices in its pixels."""
    extent = np.ptp(vertices_px[grid.triangles.ravel(), :2], axis=0).max()
    if extent <= _MOST_PIXELS * size:
        return pixels, vertices_px
    scale = _MOST_PIXELS * size / extent
    shrunk = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.asarray(shrunk, np.uint8), scale * vertices_px + [0.5 * (scale - 1), 0.5 * (scale - 1), 0]


def _colours(pixels: NDArray[np.uint8], vertices_px: NDArray[np.floating], grid: UVGrid, size: int) -> Array:
    """(S, S, 3) colours of the photograph at all texels."""
    points = grid.in_uv(vertices_px, size)
    colours = cv2.remap(pixels, points[..., 0], points[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(colours, np.float32)


def _seen(height: int, width: int, vertices_px: NDArray[np.floating], grid: UVGrid, size: int) -> Array:
    """(S, S) visibility of each texel, 0 to 1."""
    points = grid.in_uv(vertices_px, size)
    x, y = points[..., 0], points[..., 1]
    facing = grid.in_uv(grid.normals(vertices_px)[:, 2], size)
    triangle_ids, barycentric = rasterize(vertices_px, grid.triangles, height, width)
    is_seen = shown(points, vertices_px, triangle_ids, barycentric, grid.triangles) & (facing > _LEAST_FACING)
    is_seen &= grid.in_uv(grid.is_valid.ravel().astype(np.float32), size) == 1
    kernel = np.ones((2 * _EDGE * size // TEXTURE + 1,) * 2, np.uint8)
    inner = cv2.erode(is_seen.astype(np.uint8), kernel, borderType=cv2.BORDER_CONSTANT, borderValue=1)
    seen = inner * np.clip((facing - _LEAST_FACING) / (_FULL_FACING - _LEAST_FACING), 0, 1)
    least, full = np.array(_SILHOUETTE) * box_size(vertices_px[grid.triangles.ravel()])
    inwards = cv2.distanceTransform((triangle_ids >= 0).astype(np.uint8), cv2.DIST_L2, 3)
    inwards = cv2.remap(inwards, x, y, cv2.INTER_LINEAR)
    seen *= np.clip((inwards - least) / (full - least), 0, 1)
    return np.asarray(seen, np.float32)
