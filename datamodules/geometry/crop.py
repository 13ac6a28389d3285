"""The crop square that the network sees, and the transforms between image and crop."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datamodules.errors import InputError

CROP_SIZE = 256  # the frame of all position maps, at any resolution of the network's input
CROP_MARGIN = 1.5  # side of crop / size of landmark box, unless a network says otherwise; leaves room for jitter
_LARGEST_MARGIN = 10  # beyond which a face would have a few pixels
_LAST = CROP_SIZE - 1  # the square's corners map to coordinates 0 and 255


@dataclass(frozen=True)
class CropJitter:
    """The transform of a jittered crop relative to the plain one; the defaults change nothing."""

    rotation_rad: float = 0.0
    scale: float = 1.0
    shift: tuple[float, float] = (0.0, 0.0)  # in sides of the crop
    is_mirrored: bool = False


@dataclass(frozen=True)
class NetworkCrop:
    """The crop that a network was trained with, which it needs wherever it is used.

    Crops are made with `CROP_MARGIN` until they reach a network.

    Attributes:
        margin: Side of the crop / mean side of the box of the 68 landmarks.
        detector: For crops from the box of a detector that finds no landmarks: side of the crop / mean side of that box, and
            how far its centre lies below that of the box, in the same sides. None to estimate the box of the landmarks.
    """

    margin: float = CROP_MARGIN
    detector: tuple[float, float] | None = None

    @classmethod
    def of_options(cls, crop_margin: float, detector_crop: Sequence[float] | None) -> "NetworkCrop":
        """The crop of a network's options.

        Raises:
            InputError: If they are no crop of a face.
        """
        if not 1 <= crop_margin < _LARGEST_MARGIN:  # nor NaN
            raise InputError(f"crop_margin is {crop_margin:g}: give a number from 1 to below {_LARGEST_MARGIN}.")
        if detector_crop is None:
            return cls(crop_margin)
        if len(detector_crop) != 2 or not 0 < detector_crop[0] < _LARGEST_MARGIN or not -1 <= detector_crop[1] <= 1:
            raise InputError(
                f"detector_crop is {list(detector_crop)}: give two numbers, the side of the crop and how far its centre lies "
                "below that of the box, both in sides of a detector's box."
            )
        return cls(crop_margin, (detector_crop[0], detector_crop[1]))

    def of_plain(self, crops: NDArray[np.float64]) -> NDArray[np.float64]:
        """The crops of this network about the same faces as (..., 3) plain crops, whose margin is `CROP_MARGIN`."""
        return crops * [1, 1, self.margin / CROP_MARGIN]

    def to_plain(self, crops: NDArray[np.float64]) -> NDArray[np.float64]:
        """The inverse of `of_plain`."""
        return crops * [1, 1, CROP_MARGIN / self.margin]

    def of_detector(self, box_px: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """(3,) crop of this network from a detector's (4,) box x1, y1, x2, y2; None where it must be estimated."""
        if self.detector is None:
            return None
        scale, down = self.detector
        side = (box_px[2:] - box_px[:2]).mean()
        return np.array([*(box_px[:2] + box_px[2:]) / 2 + [0, down * side], scale * side])


PLAIN_CROP = NetworkCrop()  # of networks that say nothing else


def crop_boxes(landmarks_px: NDArray[np.floating]) -> NDArray[np.float64]:
    """The plain crops: square boxes around landmarks, whose margin is `CROP_MARGIN`.

    Args:
        landmarks_px: (N, 68, 2 or 3) in 0-based image pixels.

    Returns:
        (N, 3): x and y of the centre, and the side, in pixels, not rounded. A box without area has side 0.
    """
    low, high = landmarks_px[..., :2].min(axis=1), landmarks_px[..., :2].max(axis=1)
    side = CROP_MARGIN * (high - low).mean(axis=1)
    has_area = (high > low).all(axis=1)
    return np.column_stack([(low + high) / 2, np.where(has_area, side, 0.0)])


def crop_matrix(box: NDArray[np.float64], jitter: CropJitter | None = None) -> NDArray[np.float64]:
    """(2, 3) similarity from image pixels to crop pixels, whose corners are 0 and 255.

    The jitter rotates and scales about the centre of the crop, then shifts, then mirrors.
    """
    jitter = jitter or CropJitter()
    centre_px, side_px = box[:2], box[2]
    scale = _LAST / side_px * jitter.scale
    cos, sin = scale * np.cos(jitter.rotation_rad), scale * np.sin(jitter.rotation_rad)
    linear = np.array([[cos, -sin], [sin, cos]])
    target = _LAST * (0.5 + np.array(jitter.shift))
    matrix = np.column_stack([linear, target - linear @ centre_px])
    if jitter.is_mirrored:
        matrix[0] *= -1
        matrix[0, 2] += _LAST
    return matrix


def crop_projection(projection: NDArray[np.float64], matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """(3, 4) projection into crop pixels, from one into image pixels; z is scaled like x and y."""
    cropped = np.empty_like(projection)
    cropped[:2] = matrix[:, :2] @ projection[:2]
    cropped[:2, 3] += matrix[:, 2]
    cropped[2] = crop_scale(matrix) * projection[2]
    return cropped


def crop_points(points_px: NDArray[np.floating], matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """(L, 3) points of the image in crop pixels; z is scaled like x and y."""
    xy = points_px[:, :2] @ matrix[:, :2].T + matrix[:, 2]
    return np.column_stack([xy, crop_scale(matrix) * points_px[:, 2]])


def uncrop_points(points_px: NDArray[np.floating], matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """(L, 3) points of the crop in image pixels: the inverse of `crop_points`."""
    xy = (points_px[:, :2] - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T
    return np.column_stack([xy, points_px[:, 2] / crop_scale(matrix)])


def crop_scale(matrix: NDArray[np.float64]) -> float:
    """Crop pixels per image pixel."""
    return float(np.hypot(matrix[0, 0], matrix[1, 0]))


def image_matrix(matrix: NDArray[np.float64], image_size: int) -> NDArray[np.float64]:
    """(2, 3) matrix of the same crop at another resolution: its corners are 0 and image_size - 1."""
    return matrix * ((image_size - 1) / _LAST)
