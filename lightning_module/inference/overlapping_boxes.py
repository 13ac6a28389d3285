"""How much boxes overlap, and which of overlapping faces are kept."""

import numpy as np
from numpy.typing import NDArray

from datamodules.geometry.crop import CROP_MARGIN

_SAME = 0.3  # intersection over union above which two boxes are the same face
_INSIDE = 0.6  # share of the smaller box within the larger one above which it is a part of that face


def overlaps(box: NDArray[np.float64], boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N,) intersection over union of a (4,) box with (N, 4) boxes."""
    shared, area, areas = _areas(box, boxes)
    return np.asarray(shared / (areas + area - shared))


def crop_corners(crops: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, 4) x1, y1, x2, y2 of (N, 3) crop squares."""
    half = crops[:, 2:] / 2
    return np.hstack([crops[:, :2] - half, crops[:, :2] + half])


def face_boxes(crops: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, 4) squares about the faces of (N, 3) crop squares, without the margin."""
    return crop_corners(crops / [1, 1, CROP_MARGIN])


def distinct_faces(crops: NDArray[np.float64], confidences: NDArray[np.float64]) -> list[int]:
    """The faces that remain, the surest first, once all that overlap with or lie in a surer one are dropped.

    Args:
        crops: (N, 3) crop squares.
        confidences: (N,) any measure that is larger for a surer face.
    """
    boxes = face_boxes(crops)
    kept: list[int] = []
    for place in np.argsort(-confidences, kind="stable"):
        others = boxes[kept]
        shared, area, areas = _areas(boxes[place], others)
        is_part = shared > _INSIDE * np.minimum(area, areas)
        if not (is_part | (overlaps(boxes[place], others) > _SAME)).any():
            kept.append(int(place))
    return kept


def _areas(
    box: NDArray[np.float64], boxes: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float, NDArray[np.float64]]:
    """(N,) shared areas of a box with others, its own area, and theirs."""
    sides = np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2])
    shared = np.prod(np.maximum(sides, 0), axis=1)
    return shared, float(np.prod(box[2:] - box[:2])), np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
