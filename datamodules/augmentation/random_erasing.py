"""Random erasing: a rectangle of noise covers part of a crop (Zhong et al., 2020)."""

import numpy as np
from numpy.typing import NDArray

from datamodules.augmentation.augmentation_options import Augmentation

_ASPECT = (0.5, 2.0)  # width / height of the rectangle


def erase(image: NDArray[np.uint8], augmentation: Augmentation, rng: np.random.Generator) -> NDArray[np.uint8]:
    """(H, W, 3), with a rectangle of noise in a fraction of the cases."""
    if rng.random() >= augmentation.erase_probability:
        return image
    size = len(image)
    area = rng.uniform(*augmentation.erase_area) * size**2
    aspect = np.exp(rng.uniform(*np.log(_ASPECT)))
    height = int(np.clip(np.sqrt(area / aspect), 1, size))
    width = int(np.clip(np.sqrt(area * aspect), 1, size))
    top, left = rng.integers(0, size - height + 1), rng.integers(0, size - width + 1)
    erased = image.copy()
    erased[top : top + height, left : left + width] = rng.integers(0, 256, (height, width, 3), np.uint8)
    return erased
