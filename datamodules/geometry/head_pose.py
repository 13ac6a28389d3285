"""Head pose from a position map: three angles."""

import numpy as np
from numpy.typing import NDArray

from datamodules.geometry.camera import rotation_angles
from datamodules.geometry.similarity import fit_similarity

_UPWARDS = [1, -1, 1]  # y of poses points upwards, y of images downwards


def head_angles_deg(points_px: NDArray[np.floating], mean_px: NDArray[np.floating]) -> NDArray[np.float64]:
    """(3,) pitch, yaw, roll in degrees, in the order and with the signs of `HeadPose`: the least-squares rotation.

    For the true maps of ten AFLW2000-3D samples, it differs from their pose by 0.6 degrees on average and 2.1 at most,
    mainly because an open mouth is partly taken for pitch.

    Args:
        points_px: (N, 3) points of the face in an image.
        mean_px: (N, 3) the same points of the mean face, which looks straight ahead, in an image.
    """
    fitted = fit_similarity(mean_px.astype(np.float64) * _UPWARDS, points_px.astype(np.float64) * _UPWARDS)
    return np.asarray(np.rad2deg(rotation_angles(fitted.rotation)))
