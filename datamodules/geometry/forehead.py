"""Places the thirteen forehead landmarks on a face model.

Face models are annotated with 68 landmarks only; the other thirteen run along the hairline. They lie on a superellipse
on the frontal mean face, from temple to temple above the brows. Its proportions are measured on a photograph with all
81 landmarks.
"""

import numpy as np
from numpy.typing import NDArray

from datamodules.geometry.landmarks import BROWS, FOREHEAD_ARC

_RISE = 0.33  # height of the arc / (brows to chin)
_REACH = 0.9  # largest height, as a fraction of the model's forehead; the Basel model ends below the hairline
_EXPONENT = 2.5  # hairlines are squarer than an ellipse, whose exponent is 2
_TEMPLE = 0.97  # half-width of the arc / half-width of the face at the ears
_CHIN, _LEFT_EAR, _RIGHT_EAR = 8, 0, 16


def forehead_landmarks(surface: NDArray[np.float32], landmarks_68: NDArray[np.floating]) -> NDArray[np.int64]:
    """Finds the texels of the arc, from the left temple to the right one.

    Args:
        surface: (S, S, 3) points of the mean face, y up, z towards the camera.
        landmarks_68: (68, 3) landmarks of the mean face.

    Returns:
        (13, 2) row, col, in the order of `FOREHEAD_ARC`, all distinct.
    """
    brow_height = landmarks_68[BROWS, 1].mean()
    centre = landmarks_68[[_LEFT_EAR, _RIGHT_EAR], 0].mean()
    half_width = _TEMPLE * np.ptp(landmarks_68[[_LEFT_EAR, _RIGHT_EAR], 0]) / 2
    rise = min(_RISE * (brow_height - landmarks_68[_CHIN, 1]), _REACH * (float(surface[..., 1].max()) - brow_height))
    angles = np.linspace(np.pi, 0, len(FOREHEAD_ARC))
    x = centre + half_width * np.sign(np.cos(angles)) * np.abs(np.cos(angles)) ** (2 / _EXPONENT)
    y = brow_height + rise * np.abs(np.sin(angles)) ** (2 / _EXPONENT)
    return _frontmost_texels(surface, np.column_stack([x, y]), tolerance=0.02 * half_width)


def _frontmost_texels(
    surface: NDArray[np.float32], targets: NDArray[np.float64], tolerance: float
) -> NDArray[np.int64]:
    size = surface.shape[1]
    points = surface.reshape(-1, 3)
    chosen: list[int] = []
    for target in targets:
        distance = np.hypot(*(points[:, :2] - target).T)
        distance[chosen] = np.inf
        # among the texels about as near as the nearest, take the one that the camera sees
        near = np.flatnonzero(distance <= distance.min() + tolerance)
        in_front = near[points[near, 2] >= points[near, 2].max() - tolerance]
        chosen.append(int(in_front[distance[in_front].argmin()]))
    return np.column_stack(np.divmod(chosen, size))
