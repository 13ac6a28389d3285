"""How a training face is varied: where the crop lies, its colours, what is hidden."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from datamodules.errors import InputError
from datamodules.geometry.crop import CropJitter

_ERASED_ASPECT = (0.5, 2.0)  # width / height of what is hidden


@dataclass(frozen=True)
class Augmentation:
    """Ranges that a face is varied in; the defaults follow Feng et al. (2018), Section 3.3, mirroring apart.

    Args:
        rotation_deg: In-plane rotation, up to this either way.
        scale: Size of the face, relative to the plain crop.
        shift: Up to this either way, in sides of the crop.
        mirror_probability: How often a face is mirrored.
        colour_gain: Range of each channel's own factor.
        erase_probability: How often a rectangle of noise hides part of the crop.
        erase_area: Its area, relative to the crop.
        occluder_probability: How often glasses, fingers or strands of hair are drawn over the face.
    """

    rotation_deg: float = 45.0
    scale: tuple[float, float] = (0.9, 1.2)
    shift: float = 0.1
    mirror_probability: float = 0.5
    colour_gain: tuple[float, float] = (0.6, 1.4)
    erase_probability: float = 0.3
    erase_area: tuple[float, float] = (0.02, 0.2)
    occluder_probability: float = 0.0

    def __post_init__(self) -> None:
        for name in ("scale", "colour_gain", "erase_area"):
            low, high = getattr(self, name)
            if not 0 < low <= high:
                raise InputError(f"augmentation.{name} is [{low:g}, {high:g}]: give two numbers, 0 < low <= high.")
        if self.erase_area[1] > 1:
            raise InputError(f"augmentation.erase_area ends at {self.erase_area[1]:g}: give a fraction of the crop.")
        for name in ("mirror_probability", "erase_probability", "occluder_probability"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"augmentation.{name} is {getattr(self, name):g}: give a number from 0 to 1.")


NO_AUGMENTATION = Augmentation(0.0, (1.0, 1.0), 0.0, 0.0, (1.0, 1.0), 0.0)


def draw_jitter(augmentation: Augmentation, rng: np.random.Generator) -> CropJitter:
    """Where the crop of one sample lies."""
    limit_rad = np.deg2rad(augmentation.rotation_deg)
    rotation, x, y = rng.uniform(-1, 1, 3) * (limit_rad, augmentation.shift, augmentation.shift)
    scale = rng.uniform(*augmentation.scale)
    return CropJitter(rotation, scale, (x, y), bool(rng.random() < augmentation.mirror_probability))


def recolour(image: NDArray[np.uint8], augmentation: Augmentation, rng: np.random.Generator) -> NDArray[np.uint8]:
    """(H, W, 3) with every channel brightened or darkened by a factor of its own."""
    gains = rng.uniform(*augmentation.colour_gain, 3)
    if (gains == 1).all():
        return image
    curves = np.rint(np.arange(256)[:, None] * gains).clip(0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(image, curves[None]), np.uint8)


def erase(image: NDArray[np.uint8], augmentation: Augmentation, rng: np.random.Generator) -> NDArray[np.uint8]:
    """(H, W, 3) with noise in place of a rectangle, in some of the cases."""
    if rng.random() >= augmentation.erase_probability:
        return image
    size = len(image)
    area = rng.uniform(*augmentation.erase_area) * size**2
    aspect = np.exp(rng.uniform(*np.log(_ERASED_ASPECT)))
    height = int(np.clip(np.sqrt(area / aspect), 1, size))
    width = int(np.clip(np.sqrt(area * aspect), 1, size))
    top, left = rng.integers(0, size - height + 1), rng.integers(0, size - width + 1)
    erased = image.copy()
    erased[top : top + height, left : left + width] = rng.integers(0, 256, (height, width, 3), np.uint8)
    return erased
