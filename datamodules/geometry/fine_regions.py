"""A finer table of regions: eyes, brows, nose, lips, jaw line and forehead have weights of their own.

The regions divide those of `five_regions` and keep their borders, so that 16:5:5:5:4:3:3:3:0 weighs every texel as
16:5:4:3:0 does.
"""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from datamodules.geometry import face_areas
from datamodules.geometry.landmarks import BROWS, EYES, JAW, NOSE
from datamodules.geometry.regions import Draw, RegionSpec, RegionTable, five_regions

Texels = NDArray[np.int64]
Area = NDArray[np.bool_]

# The open and closed curves that landmarks lie on.
_BROW_LINES = (BROWS[:5], BROWS[5:])
_EYE_LINES = (np.append(EYES[:6], EYES[0]), np.append(EYES[6:], EYES[6]))
_NOSE_LINES = (NOSE[:4], NOSE[4:])  # bridge, and from nostril to nostril
_JAW_LINES = (JAW,)

_FOREHEAD_MARGIN = 0.15  # beyond the outer ends of the brows, in distances between the outer eye corners


def fine_regions() -> RegionTable:
    """Nine regions; merged, they and their weights are the five of Shi et al. (Eq. 3) with r1 (Table 2).

    Their labels differ from those of `five_regions` wherever their texels do.
    """
    landmarks, eyes_nose, mouth, face, neck = five_regions()
    searched = eyes_nose.search_range

    def part(label: int, name: str, title: str, colour: str, weight: float, draw: Draw) -> RegionSpec:
        return RegionSpec(label, name, title, colour, True, weight, searched, draw)

    return (
        landmarks,
        part(6, "eyes", "eyes", "#d95f5f", eyes_nose.weight, eyes),
        part(7, "brows", "brows", "#8c5a3c", eyes_nose.weight, brows),
        part(8, "nose", "nose", "#e39b3b", eyes_nose.weight, nose),
        part(9, "lips", "lips", "#5fc46a", mouth.weight, face_areas.mouth),
        part(10, "jaw_line", "jaw line", "#8e6cc0", face.weight, jaw_line),
        part(11, "forehead", "forehead", "#d67fb5", face.weight, forehead),
        RegionSpec(12, "face", "rest of the face", face.colour, True, face.weight, None, face_areas.above_jaw),
        neck,
    )


def eyes(landmark_texels: Texels, size: int) -> Area:
    """(size, size) texels of eyes and nose that are nearest to the lids, from (68, 2) landmark texels (row, col)."""
    return np.asarray(_nearest_of_eyes_and_nose(landmark_texels, size) == 0)


def brows(landmark_texels: Texels, size: int) -> Area:
    """(size, size) texels of eyes and nose that are nearest to the brows, from (68, 2) landmark texels (row, col)."""
    return np.asarray(_nearest_of_eyes_and_nose(landmark_texels, size) == 1)


def nose(landmark_texels: Texels, size: int) -> Area:
    """(size, size) texels of eyes and nose that are nearest to the nose, from (68, 2) landmark texels (row, col)."""
    return np.asarray(_nearest_of_eyes_and_nose(landmark_texels, size) == 2)


def jaw_line(landmark_texels: Texels, size: int) -> Area:
    """(size, size) texels along the jaw line, as far above it as the face extends below it.

    Args:
        landmark_texels: (68, 2) row, col.
        size: Texels per side.
    """
    margin = face_areas.JAW_MARGIN * face_areas.eye_distance(landmark_texels)
    near = _distance(landmark_texels, _JAW_LINES, size) <= margin
    return near & face_areas.above_jaw(landmark_texels, size)


def forehead(landmark_texels: Texels, size: int) -> Area:
    """(size, size) texels above the brows, from temple to temple, up to the end of the map.

    Args:
        landmark_texels: (68, 2) row, col.
        size: Texels per side.
    """
    own = landmark_texels[BROWS]
    from_left = own[np.argsort(own[:, 1], kind="stable")]
    rows, columns = np.mgrid[:size, :size]
    margin = _FOREHEAD_MARGIN * face_areas.eye_distance(landmark_texels)
    is_above = rows < np.interp(np.arange(size), from_left[:, 1], from_left[:, 0])
    return np.asarray(is_above & (columns >= own[:, 1].min() - margin) & (columns <= own[:, 1].max() + margin))


def _nearest_of_eyes_and_nose(landmark_texels: Texels, size: int) -> NDArray[np.int64]:
    """(size, size) 0, 1, 2 for texels of eyes and nose that are nearest to lids, brows, nose; -1 elsewhere."""
    distances = [_distance(landmark_texels, lines, size) for lines in (_EYE_LINES, _BROW_LINES, _NOSE_LINES)]
    nearest = np.argmin(distances, axis=0)
    return np.where(face_areas.eyes_and_nose(landmark_texels, size), nearest, -1)


def _distance(landmark_texels: Texels, lines: tuple[NDArray[np.int64], ...], size: int) -> NDArray[np.float64]:
    """(size, size) texels to the nearest of some polylines, whose corners are landmarks."""
    grid = np.moveaxis(np.mgrid[:size, :size], 0, -1).astype(np.float64)
    nearest = np.full((size, size), np.inf)
    for line in lines:
        corners = landmark_texels[line].astype(np.float64)
        for start, end in pairwise(corners):
            along = end - start
            length = max(float(along @ along), 1e-12)  # two landmarks can share a texel of a small map
            share = np.clip((grid - start) @ along / length, 0, 1)
            nearest = np.minimum(nearest, np.linalg.norm(grid - (start + share[..., None] * along), axis=-1))
    return nearest
