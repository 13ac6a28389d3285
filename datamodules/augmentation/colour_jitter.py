"""Colour jitter: each channel is brightened or darkened by a factor of its own."""

import cv2
import numpy as np
from numpy.typing import NDArray

from datamodules.augmentation.augmentation_options import Augmentation


def jitter_colours(image: NDArray[np.uint8], augmentation: Augmentation, rng: np.random.Generator) -> NDArray[np.uint8]:
    """(H, W, 3) with random factors on its channels."""
    gains = rng.uniform(*augmentation.colour_gain, 3)
    if (gains == 1).all():
        return image
    curves = np.rint(np.arange(256)[:, None] * gains).clip(0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(image, curves[None]), np.uint8)
