"""The types that flow from disk to the loss."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from datamodules.geometry.camera import HeadPose


@dataclass(frozen=True, eq=False)
class FaceRecord:
    """One fitted photograph: exactly what disk says, in 0-based pixels of the whole image.

    Attributes:
        key: Path below the data set's root, without its ending.
        image_path: The photograph.
        image_size: Width, height in pixels.
        coefficients: (228,) identity, then expression.
        pose: Head pose.
        landmarks_68_px: (68, 3), or None where the sample has no 3-D landmarks of its own.
    """

    key: str
    image_path: Path
    image_size: tuple[int, int]
    coefficients: NDArray[np.float32]
    pose: HeadPose
    landmarks_68_px: NDArray[np.float32] | None


class FaceSample(NamedTuple):
    """What a worker hands over; collated, each field gains a leading batch dimension N.

    Points are in crop pixels, whose square is 0 to 255 whatever the resolution of `image`.
    """

    image: Tensor  # (H, W, 3) uint8 RGB
    coefficients: Tensor  # (K + L,) float32, the model's own number
    projection: Tensor  # (3, 4) float32, model space to crop pixels
    is_mirrored: Tensor  # () bool
    landmarks_68_px: Tensor  # (68, 3) float32, ground truth
    yaw_deg: Tensor  # () float32, of the face as it is shown
    number: Tensor  # () int64, position in its data set: tells repeated faces apart
    key: str


class FaceBatch(NamedTuple):
    """What the network trains on, on its device."""

    image: Tensor  # (N, 3, H, W) float32 in [0, 1], RGB, channels_last
    position_map: Tensor  # (N, 3, S, S) float32 crop pixels
    landmarks_68_px: Tensor  # (N, 68, 3)
    yaw_deg: Tensor  # (N,)
    number: Tensor  # (N,)
    key: list[str]
