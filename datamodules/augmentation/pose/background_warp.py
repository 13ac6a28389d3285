"""Warps the background of a photograph from the old silhouette of a face to the new one."""

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

_ANGLES = 360  # directions in which silhouettes are measured
_MARGIN = 1.04  # the silhouette of a fit only approximates that of the photograph
_REACH = 2.0  # distance from the centre, in radii of the silhouette, beyond which nothing moves
_SHRINK = 1.5  # pixels of the photograph per pixel of the crop above which the photograph is shrunk first


def warp_background(
    pixels: NDArray[np.uint8],
    old_px: NDArray[np.floating],
    new_px: NDArray[np.floating],
    matrix: NDArray[np.float64],
    size: int,
) -> NDArray[np.uint8]:
    """Crops a photograph so that no part of the old face shows outside the new one.

    The hull of the old silhouette is moved to that of the new one. The displacement decreases with the distance from
    the centre of the face, and vanishes at twice the radius of the silhouette.

    Args:
        pixels: (H, W, 3) RGB.
        old_px: (V, 2) points of the face at its original pose, in pixels of the photograph.
        new_px: (V, 2) points of the face at its new pose, in pixels of the photograph.
        matrix: (2, 3) similarity from the photograph's pixels to those of the crop.
        size: Pixels per side of the crop.

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
    """For each pixel its source radius in the photograph, and the weight of the old centre against the new one."""
    place = angle * (_ANGLES / (2 * np.pi))
    before = place.astype(np.intp)
    share = place - before
    # the last direction repeats the first
    old, new = ((1 - share) * radii[before] + share * radii[before + 1] for radii in (old_radii, new_radii))
    reach = _REACH * np.maximum(old, new)
    outside = np.clip((radius - new) / (reach - new), 0, 1)
    # a profile leaves gaps inside the hull; they are filled with a reflection of the outside
    source = np.where(radius < new, old + (new - radius), old + (reach - old) * outside)
    return np.where(radius < reach, source, radius).astype(np.float32), (1 - outside).astype(np.float32)


def _silhouette(points_px: NDArray[np.floating]) -> tuple[Array, Array]:
    """Centre of a convex hull, and its radii in all directions; the last direction repeats the first."""
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
    radii[-1] = radii[0]  # an angle of 360 degrees reads one more direction
    return centre, (_MARGIN * radii).astype(np.float32)
