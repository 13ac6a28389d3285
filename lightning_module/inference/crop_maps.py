"""Shows crops of a photograph to a network, and crops again about the landmarks that it predicts."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from datamodules.files.images import warp_image
from datamodules.geometry.crop import CropJitter, crop_boxes, crop_matrix, image_matrix, uncrop_points
from datamodules.geometry.landmarks import LANDMARKS_68
from lightning_module.inference.crop_network import MapNetwork
from lightning_module.inference.face import MapLayout
from lightning_module.inference.map_check import require_plausible_maps

_MOST_SHIFT = 0.5  # largest shift of the crop in the second pass, in sides of the crop
_MOST_CHANGE = 2.0  # largest factor of the crop's side in the second pass


def crop_maps(
    network: MapNetwork,
    image: NDArray[np.uint8],
    crops: NDArray[np.float64],
    jitters: Sequence[CropJitter] | None = None,
) -> NDArray[np.float32]:
    """(N, 256, 256, 3) position maps in crop pixels.

    Args:
        network: The network.
        image: (H, W, 3) RGB.
        crops: (N, 3) x and y of the centre and side of each crop.
        jitters: A change of each crop; by default none.

    Raises:
        DivergedError: If the maps cannot be those of faces.
    """
    size = network.image_size
    matrices = _matrices(crops, jitters)
    maps = network.maps(np.stack([warp_image(image, image_matrix(matrix, size), size) for matrix in matrices]))
    require_plausible_maps(maps)
    return maps


def landmarks_image_px(
    maps: NDArray[np.float32],
    crops: NDArray[np.float64],
    landmark_texels: NDArray[np.int64],
    jitters: Sequence[CropJitter] | None = None,
) -> NDArray[np.float64]:
    """(N, 68, 3) landmarks of maps, in 0-based pixels of the photograph."""
    row, col = landmark_texels[:LANDMARKS_68].T
    matrices = _matrices(crops, jitters)
    return np.stack([uncrop_points(each[row, col], matrix) for each, matrix in zip(maps, matrices, strict=True)])


def recropped(
    crops: NDArray[np.float64],
    maps: NDArray[np.float32],
    layout: MapLayout,
    jitters: Sequence[CropJitter] | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """(N, 3) crops about the predicted landmarks, as in training; implausible ones are replaced by the old crops.

    Returns:
        The crops, and (N,) whether each was plausible.
    """
    return about_landmarks(crops, landmarks_image_px(maps, crops, layout.landmark_texels, jitters), layout)


def about_landmarks(
    crops: NDArray[np.float64], landmarks: NDArray[np.float64], layout: MapLayout
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """(N, 3) crops about (N, 68, 2 or 3) landmarks, as in training; implausible ones are replaced by the old crops.

    Returns:
        The crops, and (N,) whether each was plausible.
    """
    again = layout.crop.of_plain(crop_boxes(landmarks))
    change = again[:, 2] / crops[:, 2]
    shift = np.linalg.norm(again[:, :2] - crops[:, :2], axis=1) / crops[:, 2]
    is_kept = (change <= _MOST_CHANGE) & (change >= 1 / _MOST_CHANGE) & (shift <= _MOST_SHIFT)  # False for NaN
    return np.where(is_kept[:, None], again, crops), is_kept


def _matrices(crops: NDArray[np.float64], jitters: Sequence[CropJitter] | None) -> list[NDArray[np.float64]]:
    plain = [CropJitter()] * len(crops)
    return [crop_matrix(crop, jitter) for crop, jitter in zip(crops, jitters or plain, strict=True)]
