"""Draw functions of the five regions in UV space, from the 68 landmarks.

The proportions follow the published weight mask (Feng et al., 2018), in which eyes, nose and mouth are
hulls about their landmarks, and the face ends a little below the jaw line.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt
from scipy.spatial import ConvexHull

from datamodules.geometry.landmarks import BROWS, EYES, JAW, MOUTH, NOSE, OUTER_EYE_CORNERS

# Margins of the regions about their landmarks, in distances between the outer eye corners.
_EYES_MARGIN = 0.05
_NOSE_MARGIN = 0.13
_MOUTH_MARGIN = 0.14
JAW_MARGIN = 0.09


def eyes_and_nose(landmark_texels: NDArray[np.int64], size: int) -> NDArray[np.bool_]:
    """(size, size) texels of the orbits and the nose, from (68, 2) landmark texels (row, col)."""
    unit = eye_distance(landmark_texels)
    eyes = _hull(_orbits(landmark_texels), _EYES_MARGIN * unit, size)
    nose = _hull(landmark_texels[NOSE], _NOSE_MARGIN * unit, size)
    return np.asarray(eyes | nose)


def mouth(landmark_texels: NDArray[np.int64], size: int) -> NDArray[np.bool_]:
    """(size, size) texels of the lips and a margin about them, from (68, 2) landmark texels (row, col)."""
    return _hull(landmark_texels[MOUTH], _MOUTH_MARGIN * eye_distance(landmark_texels), size)


def above_jaw(landmark_texels: NDArray[np.int64], size: int) -> NDArray[np.bool_]:
    """(size, size) texels above the jaw line and a margin below it; beyond the ears the line is horizontal."""
    jaw = landmark_texels[JAW]
    from_left = jaw[np.argsort(jaw[:, 1], kind="stable")]
    jaw_row = np.interp(np.arange(size), from_left[:, 1], from_left[:, 0])
    return _grown(np.arange(size)[:, None] <= jaw_row, JAW_MARGIN * eye_distance(landmark_texels))


def everywhere(landmark_texels: NDArray[np.int64], size: int) -> NDArray[np.bool_]:
    """(size, size) all texels, for the last region of a table, which takes what no other region covers."""
    return np.ones((size, size), np.bool_)


def eye_distance(landmark_texels: NDArray[np.int64]) -> float:
    """Texels between the outer corners of the eyes."""
    return float(np.hypot(*np.diff(landmark_texels[OUTER_EYE_CORNERS], axis=0)[0]))


def _orbits(landmark_texels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Brows, eyes, and the mirror image of the brows below the eyes, for the lower half of the orbits."""
    below = landmark_texels[BROWS].copy()
    below[:, 0] = 2 * landmark_texels[EYES, 0].mean() - below[:, 0]
    return np.concatenate([landmark_texels[BROWS], landmark_texels[EYES], below])


def _hull(texels: NDArray[np.int64], margin: float, size: int) -> NDArray[np.bool_]:
    """Texels within a margin of the convex hull of some landmarks."""
    hull = ConvexHull(texels)
    grid = np.moveaxis(np.mgrid[:size, :size], 0, -1).reshape(-1, 2)
    signed_distances = grid @ hull.equations[:, :2].T + hull.equations[:, 2]  # negative within
    return _grown((signed_distances.max(axis=1) <= 0).reshape(size, size), margin)


def _grown(area: NDArray[np.bool_], margin: float) -> NDArray[np.bool_]:
    grown: NDArray[np.bool_] = distance_transform_edt(~area) <= margin
    return grown
