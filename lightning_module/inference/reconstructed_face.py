"""What a position map says of a face in its photograph."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter

from datamodules.geometry.crop import crop_matrix, uncrop_points
from datamodules.geometry.head_pose import head_angles_deg
from datamodules.geometry.landmarks import LANDMARKS_68
from datamodules.geometry.regions import RegionTable, face_labels, five_regions
from datamodules.geometry.uv_grid import UVGrid
from datamodules.geometry.visibility import shown_points
from lightning_module.inference.detection import FoundFace

_SIGHT_PX = 512  # the face's larger side where it is drawn to see what hides what, whatever the photograph's pixels
_GRAZING = -0.1  # cosine to the line of sight down to which a point counts as on the edge, not behind it
_BESIDE = 7  # texels a side of a landmark's surroundings


@dataclass(frozen=True, eq=False)
class MapMeaning:
    """What the maps of a network mean, the same for all faces.

    Attributes:
        grid: Their surface; the neck, which networks are not trained on, is no part of it.
        mean_map: (S, S, 3) of the mean face, which looks straight ahead, in crop pixels.
        landmark_texels: (81, 2) row, col.
    """

    grid: UVGrid
    mean_map: NDArray[np.float32]
    landmark_texels: NDArray[np.int64]

    @classmethod
    def of(
        cls,
        mean_map: NDArray[np.float32],
        regions: NDArray[np.uint8],
        landmark_texels: NDArray[np.int64],
        table: RegionTable = five_regions(),  # noqa: B008  # frozen
    ) -> "MapMeaning":
        """Of a network's constants: (S, S, 3), (S, S) labels and (81, 2) row, col; and of its table of regions."""
        return cls(UVGrid.of(mean_map, np.isin(regions, face_labels(table))), mean_map, landmark_texels)


@dataclass(frozen=True, eq=False)
class ReconstructedFace:
    """A face of a photograph, in 0-based pixels of the upright photograph; nearer is larger, and the least z is 0.

    Attributes:
        name: What its files are called.
        photo: Where the photograph is.
        image: (H, W, 3) RGB.
        found: How the face was found.
        crop: (3,) x and y of the centre, side: the square that the network saw.
        meaning: Of the map.
        vertices_px: (S S, 3) all texels of the map.
        is_visible: (S S,) whether the photograph shows them.
    """

    name: str
    photo: Path
    image: NDArray[np.uint8]
    found: FoundFace
    crop: NDArray[np.float64]
    meaning: MapMeaning
    vertices_px: NDArray[np.float64]
    is_visible: NDArray[np.bool_]

    @classmethod
    def from_map(
        cls,
        position_map: NDArray[np.floating],
        crop: NDArray[np.float64],
        meaning: MapMeaning,
        image: NDArray[np.uint8],
        found: FoundFace,
        photo: Path,
        name: str,
    ) -> "ReconstructedFace":
        """From an (S, S, 3) map in the pixels of a crop: back through exactly what cropped it."""
        vertices = uncrop_points(position_map.reshape(-1, 3).astype(np.float64), crop_matrix(crop))
        valid = meaning.grid.is_valid.ravel()
        vertices[:, 2] -= vertices[valid, 2].min()
        is_visible = valid & _in_sight(vertices, meaning.grid) & _is_inside(vertices, image)
        return cls(name, photo, image, found, crop, meaning, vertices, is_visible)

    @property
    def landmarks_81_px(self) -> NDArray[np.float64]:
        """(81, 3); the first 68 are iBUG's."""
        return np.asarray(self.vertices_px[self._landmark_vertices])

    @property
    def landmarks_68_px(self) -> NDArray[np.float64]:
        """(68, 3) iBUG's."""
        return self.landmarks_81_px[:LANDMARKS_68]

    @property
    def landmarks_81_visible(self) -> NDArray[np.bool_]:
        """(81,) whether the photograph shows them, or what is right beside them: jaws lie on the horizon of a face."""
        shape = self.meaning.grid.is_valid.shape
        near = maximum_filter(self.is_visible.reshape(shape), size=_BESIDE)
        return np.asarray(near.ravel()[self._landmark_vertices])

    @property
    def angles_deg(self) -> NDArray[np.float64]:
        """(3,) pitch, yaw, roll of the head."""
        valid = self.meaning.grid.is_valid
        return head_angles_deg(self.vertices_px[valid.ravel()], self.meaning.mean_map[valid])

    @property
    def _landmark_vertices(self) -> NDArray[np.int64]:
        row, col = self.meaning.landmark_texels.T
        return np.asarray(row * len(self.meaning.grid.is_valid) + col)


def _in_sight(vertices: NDArray[np.float64], grid: UVGrid) -> NDArray[np.bool_]:
    """(G G,) whether nothing of the face lies in front."""
    used = vertices[grid.triangles.ravel()]
    scale = (_SIGHT_PX - 1) / max(float(np.ptp(used[:, :2], axis=0).max()), 1e-6)
    drawn = (vertices - [*used[:, :2].min(axis=0), 0]) * scale
    is_shown = shown_points(drawn, drawn, grid.triangles, _SIGHT_PX, _SIGHT_PX)
    return is_shown & (grid.normals(vertices)[:, 2] > _GRAZING)


def _is_inside(vertices: NDArray[np.float64], image: NDArray[np.uint8]) -> NDArray[np.bool_]:
    height, width = image.shape[:2]
    x, y = vertices[:, 0], vertices[:, 1]
    return np.asarray((x >= 0) & (y >= 0) & (x <= width - 1) & (y <= height - 1))
