"""Backgrounds with the statistics of photographs: occluding shapes of all sizes, 1/f texture, lights out of focus.

The shapes are a dead leaves model: objects whose sizes follow a power law cover one another, which gives the edges and
the spectrum of natural images (Lee, Mumford and Huang, "Occlusion models for natural images", 2001).
"""

from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from datamodules.synthetic.noise import fractal_noise, smooth_noise
from datamodules.synthetic.skin_planes import to_linear

Image = NDArray[np.float32]
Colours = NDArray[np.floating]
Kind = Literal["studio", "indoors", "street", "foliage", "night", "crowd"]

_KINDS: dict[Kind, float] = {
    "studio": 0.2,
    "indoors": 0.26,
    "street": 0.18,
    "foliage": 0.16,
    "night": 0.12,
    "crowd": 0.08,
}
_SHAPES, _LEAVES = (20, 110), (150, 400)  # numbers of objects, and of leaves
_SMALLEST, _LARGEST = 0.02, 0.7  # radius of a shape / size of the picture
_BITS = 3  # OpenCV draws at 1 / 8 of a pixel
_LAMP = 12.0  # brightness of a lamp in the background relative to white


def draw_scenery(size: int, rng: np.random.Generator) -> Image:
    """(size, size, 3) background in linear light."""
    kinds = list(_KINDS)
    kind = kinds[rng.choice(len(kinds), p=list(_KINDS.values()))]
    blur = size * rng.choice([0.0, 0.008, 0.025, 0.06], p=[0.3, 0.25, 0.25, 0.2]) * rng.uniform(0.6, 1.4)
    coarser = 2 if blur > 3 else 1  # what is out of focus needs no resolution
    side = size // coarser
    scene = to_linear(_studio(side, rng) if kind == "studio" else _shapes(side, kind, rng))
    radius = blur / coarser
    if radius > 0.7:
        if kind in ("night", "street") or rng.random() < 0.1:
            _add_lamps(scene, rng)
        scene = np.asarray(cv2.filter2D(scene, -1, disc(radius), borderType=cv2.BORDER_REFLECT), np.float32)
    scene *= np.float32(np.exp(rng.normal(-0.2, 0.7)))
    return np.asarray(cv2.resize(scene, (size, size), interpolation=cv2.INTER_LINEAR), np.float32)


def disc(radius: float) -> Image:
    """Kernel of a lens that is out of focus: a disc of so many pixels, with soft edges, whose sum is 1."""
    reach = int(np.ceil(radius))
    rows, columns = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    kernel = np.clip(radius + 0.5 - np.hypot(rows, columns), 0, 1)
    return np.asarray(kernel / kernel.sum(), np.float32)


def _studio(size: int, rng: np.random.Generator) -> Image:
    """A plain wall or cloth, lit unevenly, from white over grey to black; sRGB."""
    level = rng.choice([245.0, 150.0, 70.0, 8.0], p=[0.25, 0.3, 0.2, 0.25]) * rng.uniform(0.85, 1.05)
    colour = level * (1 + _tint(rng, 0.12))
    rows, columns = np.mgrid[:size, :size].astype(np.float32) / size
    x, y = rng.uniform(-0.3, 1.3, 2)
    fall = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) * rng.exponential(0.8))
    uneven = fall + rng.exponential(0.03) * fractal_noise((size, size), rng)
    return np.asarray(uneven[..., None] * colour, np.float32)


def _shapes(size: int, kind: Kind, rng: np.random.Generator) -> Image:
    """Shapes of all sizes that cover one another, with texture; sRGB."""
    palette = _palette(kind, rng)
    canvas = np.empty((size, size, 3), np.uint8)
    canvas[:] = palette[0].clip(0, 255)
    count = int(rng.integers(*(_LEAVES if kind == "foliage" else _SHAPES)))
    largest = _LARGEST * (0.25 if kind == "foliage" else 1.0)
    # radii with a density of r**-3, from large to small, so that small objects are seen before large ones
    shares = rng.random(count)
    radii = size / np.sqrt((1 - shares) / largest**2 + shares / _SMALLEST**2)
    radii = np.sort(radii)[::-1] if rng.random() < 0.6 else radii
    centres = rng.uniform(-0.1, 1.1, (count, 2)) * size
    shades = palette[rng.integers(0, len(palette), count)] * np.exp(rng.normal(0, 0.35, (count, 1)))
    for centre, radius, shade in zip(centres, radii.tolist(), shades.clip(0, 255).tolist(), strict=True):
        _draw_shape(canvas, kind, centre, radius, shade, rng)
    scene = canvas.astype(np.float32)
    # the light varies over large parts; texture is rough in some places and none in others
    texture = fractal_noise((size, size), rng)
    texture = texture - cv2.GaussianBlur(texture, (0, 0), 3)
    rough = np.clip(smooth_noise((size, size), 32, rng), 0, None) * rng.uniform(0, 0.35)
    scene *= np.exp(rng.uniform(0.05, 0.3) * smooth_noise((size, size), 64, rng) + rough * texture)[..., None]
    return scene


def _draw_shape(
    canvas: NDArray[np.uint8],
    kind: Kind,
    centre: NDArray[np.floating],
    radius: float,
    colour: list[float],
    rng: np.random.Generator,
) -> None:
    """Draws one object, in place: leaves outdoors, boxes and bars indoors, people in a crowd."""
    x, y = (int(place * (1 << _BITS)) for place in centre)
    if kind == "crowd" and radius > 0.04 * len(canvas):
        _draw_bystander(canvas, centre, radius, rng)
    elif kind == "foliage" or rng.random() < 0.25:
        axes = (int(radius * (1 << _BITS)), int(radius * rng.uniform(0.25, 0.8) * (1 << _BITS)))
        cv2.ellipse(canvas, (x, y), axes, rng.uniform(0, 180), 0, 360, colour, -1, cv2.LINE_AA, _BITS)
    else:
        half = radius * np.exp(rng.normal(0, 0.7, 2) * [-1, 1])
        turn = rng.normal(0, 0.06) if kind == "indoors" else rng.normal(0, 0.5) * (rng.random() < 0.5)
        cos, sin = np.cos(turn), np.sin(turn)
        corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half @ [[cos, sin], [-sin, cos]] + centre
        cv2.fillConvexPoly(canvas, _fixed(corners), colour, cv2.LINE_AA, _BITS)


def _draw_bystander(
    canvas: NDArray[np.uint8], centre: NDArray[np.floating], radius: float, rng: np.random.Generator
) -> None:
    """Draws hair, clothes and the patch of a face, in place."""
    skin = np.array([226, 178, 148]) * rng.uniform(0.3, 1.05)
    x, y = centre
    parts = (
        ((x, y + 2.1 * radius), (1.6 * radius, 1.3 * radius), rng.uniform(10, 220, 3)),
        ((x, y - 0.2 * radius), (0.85 * radius, 1.05 * radius), np.full(3, rng.uniform(10, 90))),
        ((x, y + 0.1 * radius), (0.68 * radius, 0.85 * radius), skin.clip(0, 255)),
    )
    for (left, top), axes, colour in parts:
        place = (int(left * (1 << _BITS)), int(top * (1 << _BITS)))
        lengths = (int(axes[0] * (1 << _BITS)), int(axes[1] * (1 << _BITS)))
        cv2.ellipse(canvas, place, lengths, 0, 0, 360, colour.tolist(), -1, cv2.LINE_AA, _BITS)


def _add_lamps(scene: Image, rng: np.random.Generator) -> None:
    """Adds small bright lights, in place: out of focus, they become discs."""
    size = len(scene)
    count = int(rng.integers(3, 40))
    warm = 1 + rng.normal(0.25, 0.3, (count, 1)) * [1.0, 0.1, -0.8]
    lamps = _LAMP * rng.uniform(0.1, 1, (count, 1)) ** 2 * warm.clip(0.05, 2)
    for (row, column), lamp in zip(rng.integers(0, size, (count, 2)), lamps, strict=True):
        scene[row : row + 2, column : column + 2] += lamp.astype(np.float32)


def _palette(kind: Kind, rng: np.random.Generator) -> Colours:
    """(6, 3) sRGB colours of a place: related, seldom saturated, and darker at night."""
    if kind == "foliage":
        base = np.array([[62, 88, 38], [96, 122, 60], [38, 54, 28], [128, 142, 92], [84, 72, 54], [176, 190, 196]])
        return np.asarray(base * (1 + _tint(rng, 0.15)) * rng.uniform(0.5, 1.3))
    greys = rng.uniform(20, 235, (6, 1)) if kind != "night" else rng.uniform(2, 60, (6, 1))
    own = np.stack([_tint(rng, 0.3 * rng.random() ** 2 + 0.03) for _ in range(6)])
    return np.asarray(greys * (1 + _tint(rng, 0.15) + own))


def _tint(rng: np.random.Generator, strength: float) -> Colours:
    """(3,) deviation from grey: mostly between blue and orange, less between green and magenta."""
    warm, green = rng.normal(0, strength, 2) * [1.0, 0.45]
    return np.array([warm - green / 2, green, -warm - green / 2])


def _fixed(points: NDArray[np.floating]) -> NDArray[np.int32]:
    return np.asarray(np.rint(points * (1 << _BITS)), np.int32)
