"""A reconstructed face: the geometry and texture that a position map gives in its photograph."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter

from datamodules.geometry.crop import PLAIN_CROP, NetworkCrop, crop_matrix, uncrop_points
from datamodules.geometry.cut_surface import CutSurface
from datamodules.geometry.face_outline import outline_height
from datamodules.geometry.head_pose import head_angles_deg
from datamodules.geometry.landmarks import LANDMARKS_68
from datamodules.geometry.uv_grid import UVGrid
from datamodules.geometry.visibility import shown_points
from lightning_module.inference.detection import DetectedFace
from lightning_module.inference.photo_texture import photo_texture

_SIGHT_PX = 512  # larger side of the face in the z-buffer for visibility, independent of the photograph
_GRAZING = -0.1  # cosine to the line of sight above which a point counts as facing the camera
_SURROUNDINGS = 7  # texels per side of a landmark's neighbourhood
_TEXTURE_SIZE = 512  # texels per side


@dataclass(frozen=True, eq=False)
class MapLayout:
    """The layout of a network's position maps, the same for all faces.

    Attributes:
        grid: The triangles over the texels of the face regions, without the neck, which networks are not trained on.
        mean_map: (S, S, 3) map of the frontal mean face, in crop pixels.
        landmark_texels: (81, 2) row, col.
        crop: The crop in whose pixels the maps are.
    """

    grid: UVGrid
    mean_map: NDArray[np.float32]
    landmark_texels: NDArray[np.int64]
    crop: NetworkCrop = PLAIN_CROP

    @classmethod
    def of(
        cls,
        mean_map: NDArray[np.float32],
        is_face: NDArray[np.bool_],
        landmark_texels: NDArray[np.int64],
        crop: NetworkCrop = PLAIN_CROP,
    ) -> "MapLayout":
        """The layout of an (S, S, 3) mean map; (S, S) `is_face` marks the texels of the face."""
        return cls(UVGrid.of(mean_map, is_face), mean_map, landmark_texels, crop)

    @cached_property
    def surface(self) -> CutSurface:
        """The mesh of a face: its triangles are counter-clockwise as seen from outside with y upwards."""
        return self.coarse_surface(1)

    def coarse_surface(self, step: int) -> CutSurface:
        """The mesh with every `step`-th row and column of texels, within the same outline."""
        return self.grid.cut(self._outline, step)

    @property
    def is_within(self) -> NDArray[np.bool_]:
        """(S, S) texels within the outline of the mesh."""
        return np.asarray(self._outline > 0)

    @cached_property
    def _outline(self) -> NDArray[np.float64]:
        return outline_height(self.grid.is_valid, self.landmark_texels)


@dataclass(frozen=True, eq=False)
class Face:
    """A face of a photograph.

    Points are in 0-based pixels of the photograph, y downwards; z is in pixels too, larger is nearer, its minimum over the
    vertices is 0.

    Attributes:
        image: (H, W, 3) the photograph, RGB.
        detection: Location of the face.
        crop: (3,) x and y of the centre and side of the crop square.
        layout: Layout of its map.
        map_px: (S S, 3) all texels of the map, row by row; those of the neck are not trained.
        map_visible: (S S,) whether the texels are visible in the photograph.
        confidence: Confidence in [0, 1] that this is a face, or None if nothing has judged it.
    """

    image: NDArray[np.uint8]
    detection: DetectedFace
    crop: NDArray[np.float64]
    layout: MapLayout
    map_px: NDArray[np.float64]
    map_visible: NDArray[np.bool_]
    confidence: float | None = None

    @classmethod
    def of_map(
        cls,
        position_map: NDArray[np.floating],
        crop: NDArray[np.float64],
        layout: MapLayout,
        image: NDArray[np.uint8],
        detection: DetectedFace,
        confidence: float | None = None,
    ) -> "Face":
        """The face of an (S, S, 3) map in crop pixels, transformed back by the inverse of the crop."""
        points = uncrop_points(position_map.reshape(-1, 3).astype(np.float64), crop_matrix(crop))
        points[:, 2] -= layout.surface.interpolated(points[:, 2]).min()
        is_visible = layout.grid.is_valid.ravel() & _in_sight(points, layout.grid) & _is_inside(points, image)
        return cls(image, detection, crop, layout, points, is_visible, confidence)

    @property
    def vertices(self) -> NDArray[np.float64]:
        """(V, 3) vertices of the face's surface, which ends in a smooth outline before the ears."""
        return self.layout.surface.interpolated(self.map_px)

    @property
    def triangles(self) -> NDArray[np.int32]:
        """(F, 3) triangles of the vertices, counter-clockwise as seen from outside with y upwards."""
        return self.layout.surface.triangles

    @property
    def visible(self) -> NDArray[np.bool_]:
        """(V,) whether each vertex, or on the outline the nearest texel within it, is visible in the photograph."""
        return np.asarray(self.map_visible[self.layout.surface.inner])

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
        """(81,) whether each landmark or its neighbourhood is visible; landmarks of the jaw lie on the silhouette."""
        near = maximum_filter(self.map_visible.reshape(self.layout.grid.is_valid.shape), size=_SURROUNDINGS)
        return np.asarray(near.ravel()[self._landmark_texels])

    @property
    def pose(self) -> NDArray[np.float64]:
        """(3,) pitch, yaw and roll of the head in degrees, in the conventions of 300W-3D's Pose_Para."""
        is_face = self.layout.grid.is_valid
        return head_angles_deg(self.map_px[is_face.ravel()], self.layout.mean_map[is_face])

    @cached_property
    def texture(self) -> NDArray[np.uint8]:
        """(512, 512, 3) colours in UV space; hidden texels are filled from the other half of the face."""
        return photo_texture(self.image, self.map_px, self.layout.grid, _TEXTURE_SIZE, fill_hidden=True)

    @property
    def _landmark_texels(self) -> NDArray[np.int64]:
        row, col = self.layout.landmark_texels.T
        return np.asarray(row * len(self.layout.grid.is_valid) + col)


def _in_sight(points: NDArray[np.float64], grid: UVGrid) -> NDArray[np.bool_]:
    """(G G,) whether no other part of the face covers a point."""
    used = np.ascontiguousarray(points[grid.used, :2].T)  # reductions along rows are many times faster
    scale = (_SIGHT_PX - 1) / max(float(np.ptp(used, axis=1).max()), 1e-6)
    drawn = (points - [*used.min(axis=1), 0]) * scale
    is_shown = shown_points(drawn, drawn, grid.triangles, _SIGHT_PX, _SIGHT_PX)
    return is_shown & (grid.normals(points)[:, 2] > _GRAZING)


def _is_inside(points: NDArray[np.float64], image: NDArray[np.uint8]) -> NDArray[np.bool_]:
    height, width = image.shape[:2]
    x, y = points[:, 0], points[:, 1]
    return np.asarray((x >= 0) & (y >= 0) & (x <= width - 1) & (y <= height - 1))
