"""The least-squares similarity transform between two sets of points.

Evaluation aligns batches of faces on their device with its own form of it, lightning_module/evaluation/alignment.py.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Similarity(NamedTuple):
    """A similarity transform: target = scale * rotation @ point + shift."""

    rotation: NDArray[np.float64]
    scale: float
    shift: NDArray[np.float64]


def fit_similarity(points: NDArray[np.floating], target: NDArray[np.floating]) -> Similarity:
    """The rotation (without reflection), scale and shift after Umeyama, 1991.

    Args:
        points: (L, 3).
        target: (L, 3) the points that they are moved to.
    """
    centred_target, centred = target - target.mean(axis=0), points - points.mean(axis=0)
    u, values, vt = np.linalg.svd(centred_target.T @ centred)
    flip = np.array([1, 1, np.sign(np.linalg.det(u @ vt))])
    rotation = (u * flip) @ vt
    scale = (values * flip).sum() / (centred**2).sum()
    return Similarity(rotation, float(scale), target.mean(axis=0) - scale * rotation @ points.mean(axis=0))
