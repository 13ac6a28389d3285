"""The crop square that the network sees, and the transforms between image and crop."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CROP_SIZE = 256  # the frame of all position maps, at any resolution of the network's input
CROP_MARGIN = 1.5  # side of crop / size of landmark box; leaves room for jitter
_LAST = CROP_SIZE - 1  # the square's corners map to coordinates 0 and 255


@dataclass(frozen=True)
class CropJitter:
    """The transform of a jittered crop relative to the plain one; the defaults change nothing."""

    rotation_rad: float = 0.0
    scale: float = 1.0
    shift: tuple[float, float] = (0.0, 0.0)  # in sides of the crop
    is_mirrored: bool = False


def crop_boxes(landmarks_px: NDArray[np.floating]) -> NDArray[np.float64]:
    """Square boxes around landmarks.

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
