"""The types that flow from disk to the loss."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from datamodules.geometry.camera import HeadPose


class FaceParameters(NamedTuple):
    """The contents of a sample's file: coefficients of a face model, pose and landmarks.

    Attributes:
        identity: (K,) identity coefficients, ordered by variance.
        expression: (L,) expression coefficients, ordered by variance.
        pose: (7,) pitch, yaw, roll in radians, tx, ty, tz, scale, as in `HeadPose.pose_para`.
        landmarks_image_px: (68, 3) in 0-based image pixels, or None where the file has none.
    """

    identity: NDArray[np.float32]
    expression: NDArray[np.float32]
    pose: NDArray[np.float32]
    landmarks_image_px: NDArray[np.float32] | None


@dataclass(frozen=True, eq=False)
class FaceRecord:
    """A fitted photograph, in 0-based pixels of the whole image.

    Attributes:
        key: Path below the data set's root, without its ending.
        image_path: The photograph.
        image_size: Width, height in pixels.
        identity: (K,) identity coefficients.
        expression: (L,) expression coefficients.
        pose: Head pose.
        landmarks_image_px: (68, 3), or None where the sample has no 3-D landmarks of its own.
    """

    key: str
    image_path: Path
    image_size: tuple[int, int]
    identity: NDArray[np.float32]
    expression: NDArray[np.float32]
    pose: HeadPose
    landmarks_image_px: NDArray[np.float32] | None


@dataclass(frozen=True, eq=False)
class MapRecord:
    """A face crop with its stored position map.

    Attributes:
        key: Path below the data set's root, without its ending.
        image_path: The crop.
        points_crop_px: (256, 256, 3) position map in crop pixels, 0 to 255 at any resolution of the image.
        landmarks_image_px: (68, 3) in pixels of the image, from the map or from a file that replaces them.
        yaw_deg: Yaw of the head, from a rigid fit of the map to the mean map.
    """

    key: str
    image_path: Path
    points_crop_px: NDArray[np.float32]
    landmarks_image_px: NDArray[np.float32]
    yaw_deg: float


class FaceSample(NamedTuple):
    """One sample as a worker makes it; collating adds a leading batch dimension N to each field.

    Points are in crop pixels, 0 to 255 at any resolution of `image`.
    """

    image: Tensor  # (H, W, 3) uint8 RGB
    surface: Tensor  # source of the position map: (K + L,) float32 coefficients, or (256, 256, 3) stored points
    projection: Tensor  # (3, 4) float32, from the space of the surface to crop pixels
    is_mirrored: Tensor  # () bool
    landmarks_crop_px: Tensor  # (68, 3) float32, ground truth
    yaw_deg: Tensor  # () float32, after mirroring and rendering
    number: Tensor  # () int64, position in its data set; identifies the face
    key: str


class FaceBatch(NamedTuple):
    """A batch on the training device."""

    image: Tensor  # (N, 3, H, W) float32 in [0, 1], RGB, channels_last
    position_map: Tensor  # (N, 3, S, S) float32 crop pixels
    landmarks_crop_px: Tensor  # (N, 68, 3)
    yaw_deg: Tensor  # (N,)
    number: Tensor  # (N,)
    key: list[str]
