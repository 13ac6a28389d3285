"""Image quality: tone curves, grey pictures, blur, and noise, anew each time that a crop is shown.

Synthetic faces have one exposure each, and a network of many epochs learns it; photographs have any.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from datamodules.augmentation.augmentation_options import Augmentation

_LARGEST_BLUR = 0.03  # standard deviation / side of the crop: a face of 10 pixels
_LARGEST_NOISE = 25.0  # standard deviation, of 255


def vary_quality(image: NDArray[np.uint8], augmentation: Augmentation, rng: np.random.Generator) -> NDArray[np.uint8]:
    """(S, S, 3) with another tone curve, without colours, blurred or noisy; options that are off draw no random number."""
    if augmentation.changes_tone:
        image = np.asarray(cv2.LUT(image, _tone_curve(augmentation, rng)), np.uint8)
    if _happens(augmentation.grey_probability, rng):
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        image = np.repeat(np.asarray(grey, np.uint8)[..., None], 3, axis=2)
    if _happens(augmentation.blur_probability, rng):
        sigma = len(image) * _LARGEST_BLUR * rng.uniform(0.3, 1)  # less is not seen in small crops
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE), np.uint8)
    if _happens(augmentation.noise_probability, rng):
        noise = rng.standard_normal(image.shape, np.float32) * np.float32(_LARGEST_NOISE * rng.uniform(0.1, 1))
        image = np.rint(image + noise).clip(0, 255).astype(np.uint8)
    return image


def _tone_curve(augmentation: Augmentation, rng: np.random.Generator) -> NDArray[np.uint8]:
    """(256,) levels: a power of the level, with another contrast about the middle."""
    exponent, contrast = (np.exp(rng.uniform(*np.log(span))) for span in (augmentation.tone, augmentation.contrast))
    levels = (np.arange(256) / 255) ** exponent
    return np.asarray(np.rint(255 * (0.5 + contrast * (levels - 0.5))).clip(0, 255), np.uint8)


def _happens(probability: float, rng: np.random.Generator) -> bool:
    return probability > 0 and rng.random() < probability
