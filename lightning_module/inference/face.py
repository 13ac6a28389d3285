"""A reconstructed face: what a position map says of a face in its photograph."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter

from datamodules.geometry.crop import crop_matrix, uncrop_points
from datamodules.geometry.head_pose import head_angles_deg
from datamodules.geometry.landmarks import LANDMARKS_68
from datamodules.geometry.uv_grid import UVGrid
from datamodules.geometry.visibility import shown_points
from lightning_module.inference.detection import DetectedFace
from lightning_module.inference.photo_texture import photo_texture

_SIGHT_PX = 512  # the face's larger side where it is drawn to see what hides what, whatever the photograph's pixels
_GRAZING = -0.1  # cosine to the line of sight down to which a point counts as on the edge, not behind it
_SURROUNDINGS = 7  # texels per side of a landmark's surroundings
_TEXTURE_SIZE = 512  # texels per side


@dataclass(frozen=True, eq=False)
class MapLayout:
    """What the texels of a network's position maps are, the same for all faces.

    Attributes:
        grid: The surface that the face's texels make; the neck, which networks are not trained on, is no part of it.
        mean_map: (S, S, 3) map of the mean face, which looks straight ahead, in crop pixels.
        landmark_texels: (81, 2) row, col.
    """

    grid: UVGrid
    mean_map: NDArray[np.float32]
    landmark_texels: NDArray[np.int64]

    @classmethod
    def of(
        cls, mean_map: NDArray[np.float32], is_face: NDArray[np.bool_], landmark_texels: NDArray[np.int64]
    ) -> "MapLayout":
        """The layout of a mean map, of which the (S, S) texels of `is_face` are the face."""
        return cls(UVGrid.of(mean_map, is_face), mean_map, landmark_texels)

    @cached_property
    def vertices(self) -> NDArray[np.intp]:
        """(V,) texels, row by row, that the triangles of the surface use."""
        return np.unique(self.grid.triangles)

    @cached_property
    def triangles(self) -> NDArray[np.int32]:
        """(F, 3) triangles of these vertices, counter-clockwise as seen from outside with y upwards."""
        return np.searchsorted(self.vertices, self.grid.outward_triangles).astype(np.int32)


@dataclass(frozen=True, eq=False)
class Face:
    """A face of a photograph.

    Points are in 0-based pixels of the photograph, y downwards; z is in pixels too, nearer is larger, its least is 0.

    Attributes:
        image: (H, W, 3) the photograph, RGB.
        detection: Where the face was found.
        crop: (3,) x and y of the centre, side: the square that the network saw.
        layout: What the texels of its map are.
        map_px: (S S, 3) all texels of the map, row by row; those of the neck mean nothing.
        map_visible: (S S,) whether the photograph shows them.
    """

    image: NDArray[np.uint8]
    detection: DetectedFace
    crop: NDArray[np.float64]
    layout: MapLayout
    map_px: NDArray[np.float64]
    map_visible: NDArray[np.bool_]

    @classmethod
    def of_map(
        cls,
        position_map: NDArray[np.floating],
        crop: NDArray[np.float64],
        layout: MapLayout,
        image: NDArray[np.uint8],
        detection: DetectedFace,
    ) -> "Face":
        """The face of an (S, S, 3) map in the pixels of a crop: back through exactly what cropped it."""
        points = uncrop_points(position_map.reshape(-1, 3).astype(np.float64), crop_matrix(crop))
        is_face = layout.grid.is_valid.ravel()
        points[:, 2] -= points[is_face, 2].min()
        is_visible = is_face & _in_sight(points, layout.grid) & _is_inside(points, image)
        return cls(image, detection, crop, layout, points, is_visible)

    @property
    def vertices(self) -> NDArray[np.float64]:
        """(V, 3) vertices of the face's surface."""
        return np.asarray(self.map_px[self.layout.vertices])

    @property
    def triangles(self) -> NDArray[np.int32]:
        """(F, 3) triangles of the vertices, counter-clockwise as seen from outside with y upwards."""
        return self.layout.triangles

    @property
    def visible(self) -> NDArray[np.bool_]:
        """(V,) whether the photograph shows a vertex."""
        return np.asarray(self.map_visible[self.layout.vertices])

    @property
    def landmarks(self) -> NDArray[np.float64]:
        """(68, 3) iBUG's landmarks."""
        return self.landmarks_81[:LANDMARKS_68]

    @property
    def landmarks_81(self) -> NDArray[np.float64]:
        """(81, 3) iBUG's 68 landmarks, then 13 of the forehead."""
        return np.asarray(self.map_px[self._landmark_texels])

    @property
    def landmarks_81_visible(self) -> NDArray[np.bool_]:
        """(81,) whether the photograph shows them, or what is right beside them: jaws lie on the horizon of a face."""
        near = maximum_filter(self.map_visible.reshape(self.layout.grid.is_valid.shape), size=_SURROUNDINGS)
        return np.asarray(near.ravel()[self._landmark_texels])

    @property
    def pose(self) -> NDArray[np.float64]:
        """(3,) pitch, yaw and roll of the head in degrees, in the conventions of 300W-3D's Pose_Para."""
        is_face = self.layout.grid.is_valid
        return head_angles_deg(self.map_px[is_face.ravel()], self.layout.mean_map[is_face])

    @cached_property
    def texture(self) -> NDArray[np.uint8]:
        """(512, 512, 3) colours in UV space; what the photograph does not show is filled from the other half."""
        return photo_texture(self.image, self.map_px, self.layout.grid, _TEXTURE_SIZE, fill_hidden=True)

    @property
    def _landmark_texels(self) -> NDArray[np.int64]:
        row, col = self.layout.landmark_texels.T
        return np.asarray(row * len(self.layout.grid.is_valid) + col)


def _in_sight(points: NDArray[np.float64], grid: UVGrid) -> NDArray[np.bool_]:
    """(G G,) whether nothing of the face lies in front."""
    used = points[grid.triangles.ravel()]
    scale = (_SIGHT_PX - 1) / max(float(np.ptp(used[:, :2], axis=0).max()), 1e-6)
    drawn = (points - [*used[:, :2].min(axis=0), 0]) * scale
    is_shown = shown_points(drawn, drawn, grid.triangles, _SIGHT_PX, _SIGHT_PX)
    return is_shown & (grid.normals(points)[:, 2] > _GRAZING)


def _is_inside(points: NDArray[np.float64], image: NDArray[np.uint8]) -> NDArray[np.bool_]:
    height, width = image.shape[:2]
    x, y = points[:, 0], points[:, 1]
    return np.asarray((x >= 0) & (y >= 0) & (x <= width - 1) & (y <= height - 1))
