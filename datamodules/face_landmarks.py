"""Ground-truth landmarks of fitted photographs: those of the data set, or else those of the face model."""

import numpy as np
from numpy.typing import NDArray

from datamodules.geometry.landmark_model import LandmarkModel
from datamodules.types import FaceRecord


def landmarks_image_px(face: FaceRecord, model: LandmarkModel) -> NDArray[np.floating]:
    """(68, 3) landmarks in 0-based pixels of the photograph."""
    if face.landmarks_image_px is not None:
        return face.landmarks_image_px
    to_image = face.pose.projection(face.image_size[1])
    return np.asarray(model.project(face.identity[None], face.expression[None], to_image[None])[0])
