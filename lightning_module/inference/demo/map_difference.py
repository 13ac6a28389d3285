"""How far apart the faces are that two networks see in one photograph, texel by texel."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datamodules.geometry.face_size import box_size
from lightning_module.inference.face import Face, MapLayout


@dataclass(frozen=True, eq=False)
class MapDifference:
    """The distances between two maps.

    Attributes:
        percent: (S, S) distances in percent of the face's size; NaN outside of the face.
        landmarks_percent: (68,) the same at iBUG's landmarks.
    """

    percent: NDArray[np.float64]
    landmarks_percent: NDArray[np.float64]

    @classmethod
    def of(cls, first: Face, second: Face) -> "MapDifference":
        """The distance in x, y and z of each texel of the face, after the mean of z is removed from both.

        The depth of a face in a photograph is known up to a constant only. The size of the face is that of the first one,
        sqrt(w * h) of the box of its 68 landmarks.

        Args:
            first: A face.
            second: The same face of the same photograph, by a network with the same layout.
        """
        is_face = first.layout.grid.is_valid
        apart = second.map_px - first.map_px
        apart[:, 2] -= apart[is_face.ravel(), 2].mean()
        percent = 100 * np.linalg.norm(apart, axis=1).reshape(is_face.shape) / box_size(first.landmarks)
        row, col = first.layout.landmark_texels[: len(first.landmarks)].T
        return cls(np.where(is_face, percent, np.nan), percent[row, col])

    @property
    def of_face(self) -> NDArray[np.float64]:
        """(T,) distances of the texels of the face."""
        return np.asarray(self.percent[np.isfinite(self.percent)])


def are_comparable(first: MapLayout, second: MapLayout) -> bool:
    """Whether the texels of two layouts are the same points of a face: their regions and landmarks agree."""
    return np.array_equal(first.grid.is_valid, second.grid.is_valid) and np.array_equal(
        first.landmark_texels, second.landmark_texels
    )
