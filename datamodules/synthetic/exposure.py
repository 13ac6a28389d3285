"""Develops linear light into a photograph: exposure, contrast, focus and grain."""

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from datamodules.synthetic.camera_faults import add_grain, blur, compress, end_picture, lower_resolution, shift_white
from datamodules.synthetic.noise import smooth_noise
from datamodules.synthetic.variety import NO_VARIETY, Variety, occurrence

_GREY_CHANCE = 0.14
_GREY = np.array([0.3, 0.59, 0.11], np.float32)
_EVENLY = np.full(3, 1 / 3, np.float32)
_TABLE = 4096


def photograph(
    light: NDArray[np.float32], face: NDArray[np.float32], rng: np.random.Generator, variety: Variety = NO_VARIETY
) -> NDArray[np.uint8]:
    """An RGB photograph of a scene, with the faults of cameras and files that are asked for.

    Args:
        light: (S, S, 3) linear.
        face: (S, S) coverage of the head, which the exposure is metered on.
        rng: Draws the settings of the camera.
        variety: Shares of the faults.
    """
    for option, lens in (("white_balance", shift_white), ("blur", blur)):
        if own := occurrence(rng, variety, option):
            light = lens(light, own)
    image = develop(light, face, rng)
    for option, file in (
        ("low_resolution", lower_resolution),
        ("grain", add_grain),
        ("compression", compress),
        ("borders", end_picture),
    ):
        if own := occurrence(rng, variety, option):
            image = file(image, own)
    return image


def develop(light: NDArray[np.float32], face: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.uint8]:
    """An RGB photograph of a scene.

    Args:
        light: (S, S, 3) linear.
        face: (S, S) coverage of the head, which the exposure is metered on.
        rng: Draws the settings of the camera.
    """
    size = len(light)
    metered = float((light @ _EVENLY * face).sum() / max(float(face.sum()), 1.0))
    wanted = float(np.clip(np.exp(rng.normal(np.log(0.25), 0.5)), 0.05, 0.7))
    scene = light * np.float32(wanted / max(metered, 1e-3) * 0.7 + 0.3 * rng.uniform(0.6, 1.6))
    if rng.random() < _GREY_CHANCE:
        scene = np.repeat((scene @ _GREY)[..., None], 3, axis=2)
    blur = rng.exponential(0.35) * size / 256
    if blur > 0.25:
        scene = np.asarray(cv2.GaussianBlur(scene, (0, 0), blur), np.float32)
    codes = np.clip(scene * (_TABLE - 1), 0, _TABLE - 1).astype(np.uint16)
    picture = _curve(round(float(rng.uniform(0.8, 1.35)), 2))[codes]
    grain = np.float32(rng.exponential(3.0))
    if grain > 0.5:
        for channel in range(3):
            picture[..., channel] += grain * smooth_noise((size, size), 1, rng)
    return np.asarray(np.clip(picture + 0.5, 0, 255), np.uint8)


@cache
def _curve(contrast: float) -> NDArray[np.float32]:
    """The tone curve: the inverse of `to_linear`, and a contrast about the middle that keeps black and white."""
    x = np.sqrt(np.linspace(0, 1, _TABLE))
    low = 0.5 * (2 * np.minimum(x, 1 - x)) ** contrast
    return np.asarray(255 * np.where(x < 0.5, low, 1 - low), np.float32)
