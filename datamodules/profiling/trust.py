"""Which faces' fits are good enough to be turned."""

import numpy as np
from numpy.typing import NDArray

from datamodules.files.index import FaceIndex
from datamodules.geometry.camera import projections
from datamodules.geometry.landmark_model import LandmarkModel
from datamodules.geometry.morphable_model import MorphableModel

_MOST_APART = 0.05  # of the face's size, between the fit's 68 landmarks and the file's; good fits have 0.006
_LEAST_INSIDE = 0.5  # share of the landmarks that must lie in the photograph


def doubtful_fits(index: FaceIndex, rows: NDArray[np.intp], model: MorphableModel) -> dict[int, str]:
    """Rows of faces to be shown only as they are, and why.

    Args:
        index: The data set.
        rows: (M,) those to look at.
        model: What coefficients refer to.
    """
    landmarks = LandmarkModel(model)
    doubts: dict[int, str] = {}
    for row in rows.tolist():
        to_image = projections(index.poses[row : row + 1], index.image_sizes[row : row + 1, 1])
        fitted = landmarks.project(index.coefficients[row : row + 1], to_image)[0, :, :2]
        inside = ((fitted >= 0) & (fitted <= index.image_sizes[row] - 1.0)).all(axis=1).mean()
        true = index.record(row).landmarks_68_px
        if inside < _LEAST_INSIDE:
            doubts[row] = f"{1 - inside:.0%} of its landmarks lie outside the photograph"
        elif true is not None:
            size = np.sqrt(np.prod(np.ptp(true[:, :2], axis=0)))
            apart = float(np.linalg.norm(fitted - true[:, :2], axis=1).mean() / size)
            if apart > _MOST_APART:
                doubts[row] = f"its fit is {apart:.1%} of the face's size away from its landmarks"
    return doubts
