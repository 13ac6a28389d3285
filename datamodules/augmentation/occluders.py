"""Occluders drawn onto crops: glasses, fingers, strands of hair.

They are flat drawings that follow the landmarks: cheap, and enough that a network cannot rely on a whole face.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from datamodules.geometry.crop import CROP_SIZE
from datamodules.geometry.landmarks import BROWS, JAW

Image = NDArray[np.uint8]
Points = NDArray[np.floating]

_BITS = 4  # OpenCV draws at 1 / 16 of a pixel
_EYES = ((slice(36, 42), 36, 39, slice(17, 22), 0, -1), (slice(42, 48), 45, 42, slice(22, 27), 16, 1))
_LENS_WIDTH, _LENS_HEIGHT = 0.85, 0.95  # half-axes: in widths of the eye, and in distances from eye to brow
_RIM = (0.008, 0.022)  # width of the frame, as a fraction of the crop
_TINT = (0.05, 0.9)  # how dark lenses are: from clear to sunglasses
_FINGERS = (2, 4)
_FINGER = (0.05, 0.08)  # width, as a fraction of the crop
_STRANDS = (15, 60)
_CHEEKS = ((2, 31), (14, 35))  # pairs of landmarks whose midpoint is skin


def occlude(image: Image, landmarks_68: Points, rng: np.random.Generator) -> Image:
    """Draws one kind of occluder in front of the face.

    Args:
        image: (S, S, 3) RGB.
        landmarks_68: (68, 3) in crop pixels, of the face as it is shown.
        rng: Draws the kind and its shape.
    """
    points = landmarks_68 * ((len(image) - 1) / (CROP_SIZE - 1))
    draw = (_glasses, _fingers, _hair)[int(rng.integers(3))]
    return draw(image, points, rng)


def _glasses(image: Image, points: Points, rng: np.random.Generator) -> Image:
    frame = tuple(int(number) for number in rng.integers(0, 120) * rng.uniform(0.6, 1.4, 3))
    lens, tint = rng.integers(0, 60, 3), rng.uniform(*_TINT) ** 2
    width = max(1, round(rng.uniform(*_RIM) * len(image)))
    squareness = rng.uniform(0.5, 1)  # exponent of a superellipse; below 1 the lens has corners
    glass, rims, inner = image.copy(), [], []
    for eye, outer, near_nose, brow, ear, facing in _EYES:
        across = points[near_nose, :2] - points[outer, :2]
        up = points[brow, :2].mean(axis=0) - points[eye, :2].mean(axis=0)
        if np.sign(across[0] * up[1] - across[1] * up[0]) != facing:
            continue  # this eye faces away from the camera
        angle = np.linspace(0, 2 * np.pi, 40)
        circle = [np.sign(wave) * np.abs(wave) ** squareness for wave in (np.cos(angle), np.sin(angle))]
        rim = points[eye, :2].mean(axis=0) + np.stack(circle, axis=1) @ [_LENS_WIDTH * across, _LENS_HEIGHT * up]
        cv2.fillPoly(glass, [_fixed(rim)], [int(number) for number in lens], cv2.LINE_AA, _BITS)
        rims.append(rim)
        inner.append(rim[0])
        temple = points[ear, :2] - rim[len(rim) // 2]
        if temple @ across < 0:  # the ear lies outwards, so the temple is visible
            rims.append(np.stack([rim[len(rim) // 2], points[ear, :2]]))
    if len(inner) > 1:
        rims.append(np.stack(inner))
    drawn = np.asarray(cv2.addWeighted(glass, tint, image, 1 - tint, 0), np.uint8)
    cv2.polylines(drawn, [_fixed(rim) for rim in rims], False, frame, width, cv2.LINE_AA, _BITS)
    return drawn


def _fingers(image: Image, points: Points, rng: np.random.Generator) -> Image:
    size = len(image)
    places = np.clip(np.rint([points[list(pair), :2].mean(axis=0) for pair in _CHEEKS]).astype(int), 0, size - 1)
    skin = np.mean([image[y, x] for x, y in places], axis=0) * rng.uniform(0.8, 1.2)
    low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
    tip = rng.uniform(low, high)
    angle = rng.uniform(0, 2 * np.pi)
    along, beside = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
    width = rng.uniform(*_FINGER) * size
    drawn = image.copy()
    for number in range(int(rng.integers(*_FINGERS, endpoint=True))):
        start = tip + number * 1.05 * width * beside - rng.uniform(0, width) * along
        end = start + 2 * size * along
        for share, light in ((1.0, 0.65), (0.8, 1.0), (0.35, 1.08)):  # an edge in shadow, a ridge in the light
            colour = [int(value) for value in np.clip(skin * light, 0, 255)]
            (x1, y1), (x2, y2) = (np.rint(point * (1 << _BITS)).astype(int).tolist() for point in (start, end))
            cv2.line(drawn, (x1, y1), (x2, y2), colour, max(1, round(share * width)), cv2.LINE_AA, _BITS)
    return drawn


def _hair(image: Image, points: Points, rng: np.random.Generator) -> Image:
    size = len(image)
    left, right = points[JAW, 0].min(), points[JAW, 0].max()
    brow = points[BROWS, 1].mean()
    colour = rng.uniform(10, 140) * np.array([1.1, rng.uniform(0.75, 1), rng.uniform(0.5, 0.95)])
    root = rng.uniform(left, right)
    spread, reach, lean = rng.uniform(0.1, 0.35) * size, rng.uniform(0.05, 0.4) * size, rng.uniform(-0.2, 0.2) * size
    drawn = image.copy()
    for _ in range(int(rng.integers(*_STRANDS, endpoint=True))):
        start = np.array([root + rng.normal(0, 0.5 * spread), -0.02 * size])
        end = np.array([start[0] + lean + rng.normal(0, 0.05 * size), brow + reach * rng.uniform(0.4, 1)])
        bow = (start + end) / 2 + [rng.normal(0, 0.04 * size), 0]
        t = np.linspace(0, 1, 12)[:, None]
        strand = (1 - t) ** 2 * start + 2 * t * (1 - t) * bow + t**2 * end
        shade = [int(value) for value in np.clip(colour * rng.uniform(0.7, 1.3), 0, 255)]
        width = max(1, round(rng.uniform(0.003, 0.012) * size))
        cv2.polylines(drawn, [_fixed(strand)], False, shade, width, cv2.LINE_AA, _BITS)
    return drawn


def _fixed(points: Points) -> NDArray[np.int32]:
    return np.rint(points * (1 << _BITS)).astype(np.int32)
