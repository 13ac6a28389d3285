"""Marks on the skin: wrinkles, pores, moles, rings under the eyes, and make-up."""

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from datamodules.synthetic.adornments import MakeUp, SkinDetail
from datamodules.synthetic.head import EYE_CENTRE, Array, bump, ramp
from datamodules.synthetic.head_model import synthetic_model
from datamodules.synthetic.noise import smooth_noise
from datamodules.synthetic.skin_planes import TEXTURE, blend, fine_sheet

Plane = NDArray[np.float32]

_BELOW = 2  # texels by which the bright edge of a wrinkle lies below the dark one
_GROOVE, _RIDGE = 0.5, 0.16  # how dark and bright the deepest wrinkles are
_LINER = np.full(3, 12.0)


@dataclass(frozen=True, eq=False)
class _Marks:
    """(256, 256) amounts from 0 to 1."""

    wrinkles: Plane
    rings: Plane
    cheeks: Plane


def paint_marks(colour: Plane, detail: SkinDetail, skin: Array) -> None:
    """Paints wrinkles, pores, moles and rings under the eyes, in place.

    Args:
        colour: (3, 256, 256) sRGB.
        detail: What the skin has.
        skin: (3,) its colour.
    """
    rng = np.random.default_rng(detail.seed)
    shape = (TEXTURE, TEXTURE)
    masks = _marks()
    if detail.wrinkles > 0.02:
        deep = np.roll(masks.wrinkles, tuple(rng.integers(-2, 3, 2)), axis=(0, 1))
        deep = deep * np.clip(0.8 + 0.4 * smooth_noise(shape, 32, rng), 0, 1.3)
        fine = ramp(smooth_noise(shape, 4, rng), 0.8, 2.2) * 0.12
        groove = np.float32(_GROOVE * detail.wrinkles) * (deep + fine.astype(np.float32))
        colour *= 1 - groove + np.roll(groove, _BELOW, axis=0) * np.float32(_RIDGE / _GROOVE)
    pores = np.float32(0.03 * detail.pores)
    colour *= 1 + pores * (smooth_noise(shape, 1, rng) + np.float32(0.4) * smooth_noise(shape, 4, rng))
    colour[1:] *= 1 + np.float32(0.02 * detail.pores) * smooth_noise(shape, 16, rng)  # blood below the skin
    blend(colour, skin * (0.62, 0.5, 0.55), masks.rings * np.float32(0.6 * detail.rings))
    if detail.spots:
        spots = np.zeros(shape, np.uint8)
        for place in rng.integers(0, TEXTURE, (detail.spots, 2)).tolist():
            axes = (int(rng.integers(3, 14)), int(rng.integers(3, 12)))  # in eighths of a texel
            cv2.ellipse(
                spots, (place[0] * 8, place[1] * 8), axes, 0, 0, 360, int(rng.integers(60, 220)), -1, cv2.LINE_AA, 3
            )
        red = rng.random() < 0.4
        blend(colour, skin * ((0.95, 0.6, 0.6) if red else (0.5, 0.4, 0.35)), spots * np.float32(1 / 255))


def paint_make_up(colour: Plane, make_up: MakeUp, lid: Plane, eye_edge: Plane) -> None:
    """Paints cheeks, lids and the lines about the eyes, in place; the lips have their colour already.

    Args:
        colour: (3, 256, 256) sRGB.
        make_up: The colours.
        lid: (256, 256) amount of the upper lids.
        eye_edge: (256, 256) millimetres from the edge of the lids, negative outside.
    """
    blend(colour, make_up.lips, _marks().cheeks * np.float32(0.35 * make_up.blush))
    blend(colour, make_up.lids, lid * np.float32(make_up.lid_amount))
    blend(colour, _LINER, np.exp(-(((eye_edge + 0.5) / 0.9) ** 2)) * np.float32(0.85 * make_up.liner))


@cache
def _marks() -> _Marks:
    sheet = fine_sheet(synthetic_model().sheet)
    x, y = np.abs(sheet.across), sheet.height
    lines = np.zeros_like(x)
    for height in (31.0, 40.0, 49.0, 59.0):
        bow = height + 1.5 * np.cos(x / 9) - x**2 / 260
        lines += 0.8 * np.exp(-(((y - bow) / 1.1) ** 2)) * ramp(x, 46.0, 30.0)
    for rise in (-0.5, -0.1, 0.3):  # from the outer corner of the eye
        ray = rise * (x - 47)
        lines += 0.8 * np.exp(-(((y + 1 - ray) / 1.0) ** 2)) * ramp(x, 47.0, 50.0) * ramp(x, 64.0, 57.0)
    fold = np.interp(-y, [38, 48, 60, 74, 84], [17, 22, 28, 32, 32])
    lines += 1.0 * np.exp(-(((x - fold) / 1.6) ** 2)) * ramp(y, -36.0, -44.0) * ramp(y, -84.0, -74.0)
    lines += 0.8 * np.exp(-(((x - 30 - (y + 74) * 0.12) / 1.5) ** 2)) * ramp(y, -74.0, -78.0) * ramp(y, -100.0, -92.0)
    lines += 0.9 * np.exp(-(((x - 6) / 1.0) ** 2)) * ramp(y, 9.0, 14.0) * ramp(y, 32.0, 24.0)
    bag = np.hypot((x - EYE_CENTRE[0]) / 18, (y - EYE_CENTRE[1] + 2) / 12.5)
    lines += 0.9 * np.exp(-(((bag - 1) / 0.09) ** 2)) * ramp(y, -4.0, -8.0)
    for height in (-126.0, -138.0):
        lines += 0.7 * np.exp(-(((y - height + x / 30) / 1.4) ** 2)) * ramp(x, 50.0, 35.0)
    rings = bump(x, y, (EYE_CENTRE[0] - 4, -10.0), (13.0, 5.0))
    cheeks = bump(x, y, (46.0, -34.0), (19.0, 14.0))
    return _Marks(*(np.clip(mask, 0, 1).astype(np.float32) for mask in (lines, rings, cheeks)))
