"""Crops of a real photograph: scikit-image's portrait of the astronaut Eileen Collins."""

import numpy as np
import skimage.data
from numpy.typing import NDArray

from datamodules.files.images import warp_image
from datamodules.geometry.crop import CropJitter, crop_matrix, image_matrix
from lightning_module.inference.cascade_detector import CascadeDetector

_ROTATION_RAD, _SCALE, _SHIFT = 0.6, 0.2, 0.1  # largest jitter of the crops after the first


def sample_crops(size: int, count: int = 8, seed: int = 0) -> NDArray[np.uint8]:
    """(count, size, size, 3) RGB: the plain crop of the face, then rotated, scaled, shifted and mirrored ones."""
    photograph = skimage.data.astronaut()  # type: ignore[no-untyped-call]
    (face, *_) = CascadeDetector().detect(photograph)
    rng = np.random.default_rng(seed)
    crops = []
    for number in range(count):
        rotation, scale, across, down = rng.uniform(-1, 1, 4) if number else np.zeros(4)
        jitter = CropJitter(
            _ROTATION_RAD * rotation, 1 + _SCALE * scale, (_SHIFT * across, _SHIFT * down), bool(number % 2)
        )
        crops.append(warp_image(photograph, image_matrix(crop_matrix(face.crop, jitter), size), size))
    return np.stack(crops)
