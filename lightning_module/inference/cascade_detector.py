"""A detector of frontal faces that needs no download: scikit-image's cascade of local binary patterns."""

import cv2
import numpy as np
import skimage.data
from numpy.typing import NDArray
from skimage.feature import Cascade

from datamodules.geometry.crop import CROP_MARGIN
from lightning_module.inference.detection import DetectedFace
from lightning_module.inference.overlapping_boxes import face_boxes, overlaps
from lightning_module.inference.turned_search import BOX_DOWN, BOX_SIDE, search

_NAME = "scikit-image"

_SIZES = (320, 640)  # pixels of the longer side; small faces are searched for if there are no large ones
_LEAST = 24  # pixels per side of the smallest face at this size
_SCALE_STEP = 1.05
_VOTES = (12, 8)  # number of windows that must agree on a face: first strict, then less so
_SMALL = 0.25  # of the largest face's side; smaller detections are mostly wrong
_SAME = 0.3  # intersection over union above which two boxes are the same face


class CascadeDetector:
    """Finds faces that look at the camera, within about 30 degrees, and candidates for others."""

    def __init__(self) -> None:
        self._cascade = Cascade(skimage.data.lbp_frontal_face_cascade_filename())  # type: ignore[no-untyped-call]

    def detect(self, image: NDArray[np.uint8]) -> list[DetectedFace]:
        """The faces of an (H, W, 3) RGB image, from left to right."""
        for votes in _VOTES:
            for size in _SIZES:
                boxes = self._boxes(image, size, votes)
                if len(boxes):
                    ordered = boxes[np.argsort(boxes[:, 0])]
                    return [DetectedFace(box, _crop(box), _NAME, has_box_only=True) for box in ordered]
        return []

    def candidates(self, image: NDArray[np.uint8]) -> list[DetectedFace]:
        """Places of an (H, W, 3) RGB image that may show faces, also in profile, those with most votes first."""
        return [DetectedFace(face_boxes(each.crop[None])[0], each.crop, _NAME) for each in search(self._cascade, image)]

    def _boxes(self, image: NDArray[np.uint8], size: int, votes: int) -> NDArray[np.float64]:
        scale = min(1.0, size / max(image.shape[:2]))
        small = image if scale == 1 else cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        if min(small.shape[:2]) < _LEAST:
            return np.empty((0, 4))
        windows = self._cascade.detect_multi_scale(
            small, _SCALE_STEP, 1, (_LEAST, _LEAST), small.shape[:2], min_neighbor_number=votes
        )
        corners = [[box["c"], box["r"], box["c"] + box["width"], box["r"] + box["height"]] for box in windows]
        boxes = merge_boxes(np.array(corners, np.float64).reshape(-1, 4)) / scale
        sides = boxes[:, 2] - boxes[:, 0]
        return np.asarray(boxes[sides >= _SMALL * sides.max(initial=0)])


def merge_boxes(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """(M, 4) means of groups of (N, 4) boxes that overlap with the first box of their group."""
    merged = []
    while len(boxes):
        shared = overlaps(boxes[0], boxes) >= _SAME
        merged.append(boxes[shared].mean(axis=0))
        boxes = boxes[~shared]
    return np.array(merged).reshape(-1, 4)


def _crop(box: NDArray[np.float64]) -> NDArray[np.float64]:
    width = box[2] - box[0]
    return np.array([*(box[:2] + box[2:]) / 2 + [0, BOX_DOWN * width], CROP_MARGIN * BOX_SIDE * width])
