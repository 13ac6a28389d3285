"""Finds faces whose fit is not good enough for rendering them at other poses."""

import numpy as np
from numpy.typing import NDArray

from datamodules.geometry.camera import projections
from datamodules.geometry.face_size import box_size
from datamodules.geometry.landmark_model import LandmarkModel
from datamodules.geometry.morphable_model import MorphableModel
from datamodules.readers.face_index import FaceIndex

_MOST_PERCENT = 5.0  # of the face's size, between the fit's 68 landmarks and the file's; good fits have 0.6
_LEAST_INSIDE = 0.5  # share of the landmarks that must lie in the photograph
_CHUNK = 4096  # faces projected at a time


def doubtful_fits(index: FaceIndex, rows: NDArray[np.intp], model: MorphableModel) -> dict[int, str]:
    """Finds faces that are shown at their own pose only.

    Args:
        index: The data set.
        rows: (M,) rows to look at.
        model: The model that coefficients refer to.

    Returns:
        The reason by row.
    """
    landmarks = LandmarkModel(model)
    doubts: dict[int, str] = {}
    for start in range(0, len(rows), _CHUNK):
        chunk = rows[start : start + _CHUNK]
        sizes = index.image_sizes[chunk]
        to_image = projections(index.poses[chunk], sizes[:, 1])
        fitted = landmarks.project(index.identity[chunk], index.expression[chunk], to_image)[..., :2]
        inside = ((fitted >= 0) & (fitted <= sizes[:, None] - 1.0)).all(axis=2).mean(axis=1)
        apart = np.full(len(chunk), np.nan)
        if index.landmarks_image_px is not None:
            true = index.landmarks_image_px[chunk, :, :2]
            apart = 100 * np.linalg.norm(fitted - true, axis=2).mean(axis=1) / box_size(true)
        for row, share, percent in zip(chunk.tolist(), inside, apart, strict=True):
            if share < _LEAST_INSIDE:
                doubts[row] = f"{1 - share:.0%} of its landmarks lie outside the photograph"
            elif percent > _MOST_PERCENT:
                doubts[row] = f"its fit is {percent:.1f} % of the face's size away from its landmarks"
    return doubts
