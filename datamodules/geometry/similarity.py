"""The similarity transform that brings points nearest to others, in the least-squares sense."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Similarity(NamedTuple):
    """target = scale * rotation @ point + shift."""

    rotation: NDArray[np.float64]
    scale: float
    shift: NDArray[np.float64]


def fit_similarity(points: NDArray[np.floating], target: NDArray[np.floating]) -> Similarity:
    """The rotation (no reflection), scale and shift of Umeyama, 1991.

    Args:
        points: (L, 3).
        target: (L, 3) where each of them should come to lie.
    """
    there, here = target - target.mean(axis=0), points - points.mean(axis=0)
    u, values, vt = np.linalg.svd(there.T @ here)
    flip = np.array([1, 1, np.sign(np.linalg.det(u @ vt))])
    rotation = (u * flip) @ vt
    scale = (values * flip).sum() / (here**2).sum()
    return Similarity(rotation, float(scale), target.mean(axis=0) - scale * rotation @ points.mean(axis=0))
