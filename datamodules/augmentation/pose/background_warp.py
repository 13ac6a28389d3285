"""The background of a face at another pose: its photograph, warped from the old silhouette to the new one."""

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

_ANGLES = 360  # directions in which silhouettes are measured
_MARGIN = 1.04  # a fit's silhouette is close to the photograph's, not equal
_REACH = 2.0  # silhouettes' radii from which on the photograph is as it was
_SHRINK = 1.5  # pixels of the photograph a pixel of the image, from which it is shrunk first


def warp_background(
    pixels: NDArray[np.uint8],
    old_px: NDArray[np.floating],
    new_px: NDArray[np.floating],
    matrix: NDArray[np.float64],
    size: int,
) -> NDArray[np.uint8]:
    """A crop of a photograph in which no part of the old face shows outside the new one.

    From the centre of the face outwards, what lay at the hull of the old silhouette comes to that of the new one;
    farther away it moves less, and from twice the radius on not at all.

    Args:
        pixels: (H, W, 3) RGB.
        old_px: (V, 2) points of the face as the photograph has it, in its pixels.
        new_px: (V, 2) points of the face as it is to be drawn, in the photograph's pixels too.
        matrix: (2, 3) similarity from the photograph's pixels to those of the crop.
        size: Pixels a side of the crop.

    Returns:
        (size, size, 3), black outside the photograph, as plain crops are.
    """
    old_centre, old_radii = _silhouette(old_px)
    new_centre, new_radii = _silhouette(new_px)
    inverse = cv2.invertAffineTransform(matrix).astype(np.float32)
    along = np.arange(size, dtype=np.float32)
    x = inverse[0, 0] * along + inverse[0, 1] * along[:, None] + (inverse[0, 2] - new_centre[0])
    y = inverse[1, 0] * along + inverse[1, 1] * along[:, None] + (inverse[1, 2] - new_centre[1])
    radius, angle = cv2.cartToPolar(x, y)
    from_radius, from_centre = _sources(radius, angle, old_radii, new_radii)
    stretch = from_radius / np.maximum(radius, 1e-6)
    shift = old_centre - new_centre
    x = x * stretch + (new_centre[0] + shift[0] * from_centre)
    y = y * stretch + (new_centre[1] + shift[1] * from_centre)
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    if scale * _SHRINK < 1:
        pixels = np.asarray(cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
        x, y = (x + 0.5) * scale - 0.5, (y + 0.5) * scale - 0.5
    return np.asarray(cv2.remap(pixels, x, y, cv2.INTER_LINEAR), np.uint8)


def _sources(radius: Array, angle: Array, old_radii: Array, new_radii: Array) -> tuple[Array, Array]:
    """Which radius of the photograph comes to each pixel, and how far it is the old face's centre that counts."""
    place = angle * (_ANGLES / (2 * np.pi))
    before = place.astype(np.intp)
    share = place - before
    # a circle's last direction is its first
    old, new = ((1 - share) * radii[before] + share * radii[before + 1] for radii in (old_radii, new_radii))
    reach = _REACH * np.maximum(old, new)
    outside = np.clip((radius - new) / (reach - new), 0, 1)
    # inside the hull, where a profile leaves gaps, what lies outside is reflected
    source = np.where(radius < new, old + (new - radius), old + (reach - old) * outside)
    return np.where(radius < reach, source, radius).astype(np.float32), (1 - outside).astype(np.float32)


def _silhouette(points_px: NDArray[np.floating]) -> tuple[Array, Array]:
    """Centre of a convex hull, and its radius in directions all around, the last being the first again."""
    hull = cv2.convexHull(points_px.astype(np.float32))[:, 0]
    centre = hull.mean(axis=0)
    edges = np.roll(hull, -1, axis=0) - hull
    normals = np.stack([edges[:, 1], -edges[:, 0]], axis=1)
    distances = ((hull - centre) * normals).sum(axis=1)
    normals *= np.sign(distances)[:, None]
    angles = np.linspace(0, 2 * np.pi, _ANGLES + 1)
    towards = normals @ np.stack([np.cos(angles), np.sin(angles)])
    radii = np.abs(distances)[:, None] / np.maximum(towards, 1e-9)
    radii = np.append(radii.min(axis=0), 0)
    radii[-1] = radii[0]  # an angle of 360 degrees reads one direction more
    return centre, (_MARGIN * radii).astype(np.float32)
