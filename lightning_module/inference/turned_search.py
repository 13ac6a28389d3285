"""Windows of a cascade in turned and mirrored copies of a photograph, as candidates for faces."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.feature import Cascade

from datamodules.geometry.crop import CROP_MARGIN
from lightning_module.inference.overlapping_boxes import crop_corners, overlaps

# The box of the 68 landmarks relative to that of the cascade, as means over seven AFLW2000-3D samples.
BOX_SIDE = 0.96  # its mean side, in sides of the cascade's box
BOX_DOWN = 0.17  # shift of its centre downwards, in sides of the cascade's box

_LEAST = 24  # pixels per side of the cascade's windows
_SCALE_STEP = 1.1
_NEVER = 2.0  # intersection over union, at most 1, above which scikit-image merges windows
_SAME = 0.4  # intersection over union of crops above which two windows vote for the same face
_LEAST_VOTES = 2  # single windows are noise


class _Level(NamedTuple):
    """One size of the photograph that is searched.

    Attributes:
        size: Pixels of the longer side.
        step: Pixels between windows.
        largest: Side of the largest window in pixels; None for no bound.
        turns: Degrees and mirroring of the copies.
    """

    size: int
    step: float
    largest: int | None
    turns: tuple[tuple[float, bool], ...]


_BOTH = ((0.0, False), (0.0, True))
# Copies turned by 40 degrees have hardly a window on a face, and are left out. The time grows with the area, so that
# small faces, which fill less than a seventh of the photograph, are searched for in larger steps, and those that fill
# less than a fourteenth in the photograph itself only.
_LEVELS = (
    _Level(160, 1.0, None, (*_BOTH, *((angle, flip) for angle in (-20.0, 20.0) for flip in (False, True)))),
    _Level(320, 1.5, 48, (*_BOTH, (-20.0, False), (20.0, True))),
    _Level(640, 1.5, 48, _BOTH[:1]),
)


class Candidate(NamedTuple):
    """A place that may show a face.

    Attributes:
        crop: (3,) x and y of the centre and side of its crop square.
        votes: Number of windows that agree on it.
    """

    crop: NDArray[np.float64]
    votes: int


def search(cascade: Cascade, image: NDArray[np.uint8]) -> list[Candidate]:
    """The candidates of an (H, W, 3) RGB image, those with most votes first."""
    longer = max(image.shape[:2])
    windows = []
    searched = 0
    for level in _LEVELS:
        if longer <= searched:  # all pixels have been seen
            break
        searched = level.size
        scale = min(1.0, level.size / longer)
        small = np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
        for angle_deg, is_mirrored in level.turns:
            windows.append(_windows(cascade, small, level, angle_deg, is_mirrored) / scale)
    return _clustered(np.concatenate(windows))


def _windows(
    cascade: Cascade, image: NDArray[np.uint8], level: _Level, angle_deg: float, is_mirrored: bool
) -> NDArray[np.float64]:
    """(N, 3) crops about the cascade's windows in a copy of an image, in pixels of the image."""
    matrix, (width, height) = _turn(image, angle_deg, is_mirrored)
    turned = cv2.warpAffine(image, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
    if min(height, width) < _LEAST:
        return np.empty((0, 3))
    largest = (level.largest, level.largest) if level.largest else (height, width)
    boxes = cascade.detect_multi_scale(
        turned,
        _SCALE_STEP,
        level.step,
        (_LEAST, _LEAST),
        largest,
        min_neighbor_number=1,
        intersection_score_threshold=_NEVER,
    )
    places = np.array([[box["c"], box["r"], box["width"]] for box in boxes], np.float64).reshape(-1, 3)
    x, y = places[:, :2].T + places[:, 2] / 2
    centres = np.column_stack([x, y + BOX_DOWN * places[:, 2], np.ones(len(places))])
    back = cv2.invertAffineTransform(matrix)
    return np.column_stack([centres @ back.T, CROP_MARGIN * BOX_SIDE * places[:, 2]])


def _turn(image: NDArray[np.uint8], angle_deg: float, is_mirrored: bool) -> tuple[NDArray[np.float64], tuple[int, int]]:
    """(2, 3) matrix from an image to its turned copy, and the width and height that hold all of it."""
    height, width = image.shape[:2]
    matrix = np.asarray(cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), angle_deg, 1.0), np.float64)
    cos, sin = np.abs(matrix[0, :2])
    wide, high = int(np.ceil(width * cos + height * sin)), int(np.ceil(width * sin + height * cos))
    matrix[:, 2] += np.array([wide - width, high - height]) / 2
    if is_mirrored:
        matrix[0] *= -1
        matrix[0, 2] += wide - 1
    return matrix, (wide, high)


def _clustered(crops: NDArray[np.float64]) -> list[Candidate]:
    """Groups crops about those that overlap with most others."""
    boxes = crop_corners(crops)
    is_same = np.array([overlaps(box, boxes) >= _SAME for box in boxes]).reshape(len(boxes), len(boxes))
    is_left = np.ones(len(crops), bool)
    found = []
    while is_left.any():
        votes = (is_same & is_left).sum(axis=1) * is_left
        group = is_same[votes.argmax()] & is_left
        if group.sum() < _LEAST_VOTES:
            break
        found.append(Candidate(crops[group].mean(axis=0), int(group.sum())))
        is_left &= ~group
    return found
