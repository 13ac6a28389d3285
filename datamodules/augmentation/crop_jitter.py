"""Crop jitter: in-plane rotation, scale, shift and mirroring of the crop square."""

import numpy as np

from datamodules.augmentation.augmentation_options import Augmentation
from datamodules.geometry.crop import CropJitter


def draw_jitter(augmentation: Augmentation, rng: np.random.Generator) -> CropJitter:
    """The jitter of one sample's crop."""
    limit_rad = np.deg2rad(augmentation.rotation_deg)
    rotation, x, y = rng.uniform(-1, 1, 3) * (limit_rad, augmentation.shift, augmentation.shift)
    scale = rng.uniform(*augmentation.scale)
    return CropJitter(rotation, scale, (x, y), bool(rng.random() < augmentation.mirror_probability))
