"""Which faces' fits are good enough to be turned."""

import numpy as np
from numpy.typing import NDArray

from datamodules.files.index import FaceIndex
from datamodules.geometry.landmark_fit import landmark_error
from datamodules.geometry.landmark_model import LandmarkModel
from datamodules.geometry.morphable_model import MorphableModel

_MOST_PERCENT = 5.0  # of the face's size, between the fit's 68 landmarks and the file's; good fits have 0.6
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
        face = index.record(row)
        height = face.image_size[1]
        fitted = landmarks.project(face.coefficients[None], face.pose.projection(height)[None])[0, :, :2]
        inside = ((fitted >= 0) & (fitted <= index.image_sizes[row] - 1.0)).all(axis=1).mean()
        if inside < _LEAST_INSIDE:
            doubts[row] = f"{1 - inside:.0%} of its landmarks lie outside the photograph"
        elif face.landmarks_68_px is not None:
            apart = landmark_error(fitted, face.landmarks_68_px)
            if apart > _MOST_PERCENT:
                doubts[row] = f"its fit is {apart:.1f} % of the face's size away from its landmarks"
    return doubts
