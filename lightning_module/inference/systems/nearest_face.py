"""Which of several predicted faces is the one whose landmarks are known."""

import numpy as np
from numpy.typing import NDArray

from lightning_module.inference.overlapping_boxes import overlaps


def landmark_box(landmarks_px: NDArray[np.floating]) -> NDArray[np.float64]:
    """(..., 4) left, top, right and bottom of the boxes of (..., L, 2 or 3) landmarks."""
    corners = landmarks_px[..., :2]
    return np.concatenate([corners.min(axis=-2), corners.max(axis=-2)], axis=-1).astype(np.float64)


def nearest_face(boxes_px: NDArray[np.float64], true_box_px: NDArray[np.float64]) -> int | None:
    """Number of the box among (F, 4) that overlaps a (4,) box most (intersection over union); None if none does."""
    if not len(boxes_px):
        return None
    shared = overlaps(true_box_px, boxes_px)
    return int(shared.argmax()) if shared.max() > 0 else None
