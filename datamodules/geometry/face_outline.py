"""The outline of the face in UV space: a smooth curve within the face regions, without the ears.

Face regions are sets of texels, whose border is a staircase, and their lower end cuts through the ears. The outline is
the zero level of a smooth height over the texels, along which `CutSurface` cuts triangles.
"""

from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion, distance_transform_edt, gaussian_filter

from datamodules.geometry.face_areas import eye_distance
from datamodules.geometry.landmarks import JAW, LANDMARKS_68

# Lengths in distances between the outer eye corners.
_SMOOTHINGS = (0.05, 0.025, 0.012)  # standard deviations of the filter, the first that fits; 0.05 are 5 texels of 256
_ROUNDINGS = (1.0, 0.8, 0.65, 0.5, 0.4, 0.3, 0.25, 0.2, 0.15, 0.1, 0.05, 0.0)  # radii of corners, the first that fits
_EAR_MARGINS = (0.03, 0.03, 0.03, 0.06, 0.2)  # beyond the first five landmarks of the jaw line, along the ear
_RIM = 0.025  # left out of the face regions: at the border of the map, the edge of a face model is ragged

_LEAST_RIM = (
    2  # texels, so that both ends of an edge that the outline crosses are trained, in a mesh of half as many rows
)
_LANDMARK_DEPTH = 2.0  # texels that landmarks stay within the outline, or half as deep as they were


def outline_height(is_face: NDArray[np.bool_], landmark_texels: NDArray[np.int64]) -> NDArray[np.float64]:
    """(S, S) height over the outline: above 0 within it, and there about the distance to it in texels.

    It is above 0 only where the next two texels in all directions belong to the face regions, which networks are trained on;
    face regions that are too thin for that count whole. The outline is as smooth, and its corners as round, as the
    landmarks of the face regions allow, which stay within it.

    Args:
        is_face: (S, S) texels of the face regions.
        landmark_texels: (L, 2) row, col; the first 68 are iBUG's.
    """
    unit = eye_distance(landmark_texels)
    rim = max(round(_RIM * unit), _LEAST_RIM)
    area = binary_erosion(is_face, np.ones((3, 3)), iterations=rim) & ~_ears(is_face, landmark_texels, unit)
    if not area.any():
        area = is_face
    reach = int(np.ceil(4 * max(_SMOOTHINGS) * unit))  # of the filter; what lies beyond the map is not the face
    depth = _signed_distance(np.pad(area, reach))
    own = landmark_texels[area[tuple(landmark_texels.T)]].T
    least = np.minimum(depth[tuple(own + reach)] / 2, _LANDMARK_DEPTH)
    for smoothing, radius in product(_SMOOTHINGS, _ROUNDINGS):
        height = gaussian_filter(_rounded(depth, radius * unit), smoothing * unit)[reach:-reach, reach:-reach]
        # moved inwards where the filter filled a notch
        height -= max(height[~area].max(initial=0), 0)
        if (height[tuple(own)] >= least).all() and (height > 0).any():
            return np.asarray(height)
    return depth[reach:-reach, reach:-reach]


def _ears(is_face: NDArray[np.bool_], landmark_texels: NDArray[np.int64], unit: float) -> NDArray[np.bool_]:
    """(S, S) texels from the ears to the sides of the map; none if the face regions hold the whole of both ears."""
    size = len(is_face)
    left, left_rows = _left_ear(landmark_texels, unit, size)
    right, right_rows = _left_ear(np.abs(landmark_texels - [0, size - 1]), unit, size)  # mirrored
    ears = left | right[:, ::-1]
    beside = (left & left_rows) | (right & right_rows)[:, ::-1]
    return np.zeros_like(is_face) if is_face[beside].all() else ears


def _left_ear(
    landmark_texels: NDArray[np.int64], unit: float, size: int
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """(S, S) texels between the ear and the left side of the map, also above the ear, and (S, 1) rows beside the ear."""
    jaw = landmark_texels[:LANDMARKS_68][JAW]
    front = jaw[np.argsort(jaw[:, 1], kind="stable")][: len(_EAR_MARGINS)]
    top_down = np.argsort(front[:, 0], kind="stable")
    rows = np.arange(size)[:, None]
    is_above, is_below = rows < front[:, 0].min(), rows > front[:, 0].max()
    limit = np.interp(rows, front[top_down, 0], (front[:, 1] - unit * np.array(_EAR_MARGINS))[top_down])
    above = landmark_texels[:, 1].min() - unit * _EAR_MARGINS[0]
    limit = np.select([is_above, is_below], [np.minimum(limit, above), np.full_like(limit, -1)], limit)
    return np.arange(size) < limit, ~(is_above | is_below)


def _signed_distance(area: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Texels to the border of an area, which runs between the texels; negative outside."""
    return np.asarray(distance_transform_edt(area) - distance_transform_edt(~area) + 0.5 - area)


def _rounded(depth: NDArray[np.float64], radius: float) -> NDArray[np.float64]:
    """The signed distance to the border of an area whose convex corners are rounded off (an opening by discs)."""
    is_core = depth >= radius
    if not is_core.any():
        return depth
    return np.where(is_core, depth, depth[is_core].min() - distance_transform_edt(~is_core))
