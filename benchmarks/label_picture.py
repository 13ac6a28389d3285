"""A picture of fitted labels beside the truth, for the documentation."""

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.screenshots import PROJECT
from datamodules.files.images import read_image
from datamodules.fitted_labels import Annotations
from datamodules.geometry.annotation import CONTOURS
from datamodules.readers.face_index import FaceIndex

PICTURE = PROJECT / "docs" / "labels.jpg"
_SIDE = 384
_YAWS_DEG = (0, 25, 50, 75)
_TRUE, _PLACED, _LABEL = (255, 255, 255), (255, 60, 60), (80, 200, 255)
_FRACTION_BITS = 4  # of the coordinates that OpenCV draws at


def label_picture(index: FaceIndex, annotations: Annotations, fitted_px: NDArray[np.float64]) -> NDArray[np.uint8]:
    """(S, 4 S, 3) RGB: four faces with true contours in white, annotated landmarks in red, contours of the labels in blue.

    Args:
        index: The faces; one of each of four yaws is drawn.
        annotations: Their landmarks, true and annotated.
        fitted_px: (N, 68, 3) landmarks of their labels, in pixels of the photographs.
    """
    yaw_deg = np.rad2deg(index.poses[:, 1])
    rows = [int(np.abs(yaw_deg - wanted).argmin()) for wanted in _YAWS_DEG]
    return np.concatenate([_face(index, row, annotations, fitted_px[row]) for row in rows], axis=1)


def _face(index: FaceIndex, row: int, annotations: Annotations, fitted_px: NDArray[np.float64]) -> NDArray[np.uint8]:
    photograph = read_image(index.image_path(row))
    scale = _SIDE / len(photograph)
    picture = cv2.resize(photograph, (_SIDE, _SIDE), interpolation=cv2.INTER_CUBIC)
    picture = np.asarray(picture * 0.6, np.uint8)

    def fixed_point(points: NDArray[np.float64]) -> NDArray[np.int32]:
        return np.rint(((points[:, :2] + 0.5) * scale - 0.5) * 2**_FRACTION_BITS).astype(np.int32)

    for points, colour in ((annotations.true_px[row], _TRUE), (fitted_px, _LABEL)):
        for contour in CONTOURS:
            line = fixed_point(points[contour.part])
            cv2.polylines(picture, [line[:, None]], contour.is_closed, colour, 1, cv2.LINE_AA, _FRACTION_BITS)
    for x, y in fixed_point(annotations.placed_px[row]).tolist():
        cv2.circle(picture, (x, y), 2 << _FRACTION_BITS, _PLACED, -1, cv2.LINE_AA, _FRACTION_BITS)
    return picture
