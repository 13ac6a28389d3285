"""Backgrounds of synthetic photographs: plain walls, gradients and clutter, in and out of focus."""

import cv2
import numpy as np
from numpy.typing import NDArray

from datamodules.synthetic.noise import smooth_noise
from datamodules.synthetic.skin_planes import to_linear

_CLUTTER = 14  # upper bound of the number of objects
_COARSER = 2  # the background has half the resolution of the photograph, since it is seldom sharp


def draw_background(size: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """(size, size, 3) background in linear light."""
    light = to_linear(_draw(max(size // _COARSER, 8), rng))
    return np.asarray(cv2.resize(light, (size, size), interpolation=cv2.INTER_LINEAR), np.float32)


def _draw(size: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """(size, size, 3) background in sRGB."""
    base = _colour(rng)
    rows, cols = np.mgrid[:size, :size].astype(np.float32) / size
    slope = (rows - 0.5) * rng.normal(0, 0.5) + (cols - 0.5) * rng.normal(0, 0.5)
    scene = base * (1 + slope[..., None] * (_colour(rng) / 255))
    scene = scene.astype(np.float32)
    kind = rng.random()
    if kind > 0.3:
        for _ in range(rng.integers(1, _CLUTTER)):
            _draw_object(scene, rng)
    if kind > 0.5:
        strength = rng.uniform(5, 60)
        patches = smooth_noise((size, size), int(2 ** rng.integers(1, 6)), rng)
        scene += patches[..., None] * (strength * rng.uniform(0.3, 1.0, 3)).astype(np.float32)
    blur = rng.uniform(0, size / 24)
    if blur > 0.6:
        scene = cv2.GaussianBlur(scene, (0, 0), blur)
    if rng.random() < 0.15:
        scene *= np.float32(rng.uniform(0, 0.2))
    return np.asarray(scene, np.float32)


def _colour(rng: np.random.Generator) -> NDArray[np.float64]:
    grey = rng.uniform(0, 255)
    return np.asarray(np.clip(grey + rng.normal(0, 45, 3) * (rng.random() < 0.7), 0, 255))


def _draw_object(scene: NDArray[np.float32], rng: np.random.Generator) -> None:
    """Draws a box, an ellipse or a line into the scene, in place."""
    size = len(scene)
    x, y = (int(place) for place in rng.uniform(-0.1, 1.1, 2) * size)
    width, height = (int(side) + 1 for side in rng.exponential(0.16, 2) * size)
    colour = tuple(float(value) for value in _colour(rng))
    kind = rng.integers(0, 3)
    if kind == 0:
        cv2.rectangle(scene, (x, y), (x + width, y + height), colour, -1)
    elif kind == 1:
        cv2.ellipse(scene, (x, y), (width, height), float(rng.uniform(0, 180)), 0, 360, colour, -1, cv2.LINE_AA)
    else:
        end = (x + int(rng.normal(0, 0.5) * size), y + int(rng.normal(0, 0.5) * size))
        cv2.line(scene, (x, y), end, colour, 1 + width // 8, cv2.LINE_AA)
