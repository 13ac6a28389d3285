"""The layout of UV space: the region, the landmark and the point of the mean face of each texel.

Texel (row, col) of a map with S texels per side is the texture coordinate u = col / (S - 1), v = 1 - row / (S - 1).
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from datamodules.geometry.array_fingerprint import array_fingerprint
from datamodules.geometry.camera import HeadPose, project
from datamodules.geometry.crop import CROP_MARGIN, CROP_SIZE, crop_boxes, crop_matrix, crop_projection
from datamodules.geometry.forehead import forehead_landmarks
from datamodules.geometry.interpolation import interpolate
from datamodules.geometry.landmarks import FOREHEAD_ARC, LANDMARKS_68, LANDMARKS_81
from datamodules.geometry.morphable_model import MorphableModel
from datamodules.geometry.rasterizer import rasterize
from datamodules.geometry.regions import RegionTable, draw_regions, five_regions

_SAME_PX = 0.01  # distance of mean maps below which they are the same
MAP_SIZE = 256  # texels per side of a position map (Feng et al., 2018; Shi et al.)


@dataclass(frozen=True, eq=False)
class UVLayout:
    """The regions, the landmarks and the mean face in UV space.

    Attributes:
        regions: (S, S) uint8 labels of the regions, without the points of the landmarks.
        landmark_texels: (81, 2) row, col; the first 68 are iBUG's.
        mean_map: (S, S, 3) position map of the mean face, frontal, in crop pixels.
        crop_margin: Margin of this crop, see `NetworkCrop`.
    """

    regions: NDArray[np.uint8]
    landmark_texels: NDArray[np.int64]
    mean_map: NDArray[np.float32]
    crop_margin: float = CROP_MARGIN

    def in_crop(self, margin: float) -> "UVLayout":
        """The same layout, whose mean face is in the pixels of a crop with another margin."""
        if margin == self.crop_margin:
            return self
        scale, middle = self.crop_margin / margin, (CROP_SIZE - 1) / 2
        mean_map = (self.mean_map - [middle, middle, 0]) * scale + [middle, middle, 0]
        return replace(self, mean_map=mean_map.astype(np.float32), crop_margin=margin)

    def agrees_with(self, landmark_texels: NDArray[np.int64], mean_map: NDArray[np.float32]) -> bool:
        """Whether other (81, 2) landmarks and another (S, S, 3) mean map are those of the same points in the same texels."""
        return np.array_equal(landmark_texels, self.landmark_texels) and np.allclose(
            mean_map, self.mean_map, atol=_SAME_PX
        )

    def fingerprint(self) -> str:
        """16 hexadecimal digits; layouts with the same fingerprint have the same points in the same texels."""
        return array_fingerprint([self.regions, self.landmark_texels, self.mean_map])


def make_uv_layout(
    model: MorphableModel,
    size: int = MAP_SIZE,
    regions: RegionTable = five_regions(),  # noqa: B008  # frozen
) -> UVLayout:
    """The layout of a model's UV space.

    Raises:
        ValueError: If some texel belongs to no triangle.
        InputError: If some texel belongs to no region.
    """
    (surface,) = sample_in_uv(model, size, model.mean)
    texels = np.rint(uv_to_texels(model.uv[model.landmark_vertices], size)).astype(np.int64)
    return layout_of_surface(surface, model.mean[model.landmark_vertices], texels, regions)


def layout_of_surface(
    surface: NDArray[np.float32],
    landmarks: NDArray[np.floating],
    landmark_texels: NDArray[np.int64],
    regions: RegionTable,
) -> UVLayout:
    """The layout of a mean face.

    Args:
        surface: (S, S, 3) its points in UV space, y up, z towards the camera.
        landmarks: (68, 3) its landmarks.
        landmark_texels: (68, 2) row, col of its landmarks.
        regions: The table of regions.

    Raises:
        InputError: If some texel belongs to no region.
    """
    texels = np.empty((LANDMARKS_81, 2), np.int64)
    texels[:LANDMARKS_68] = landmark_texels
    texels[FOREHEAD_ARC] = forehead_landmarks(surface, landmarks)
    labels = draw_regions(regions, texels[:LANDMARKS_68], len(surface))
    return UVLayout(labels, texels, _mean_map(surface, landmarks))


def cover_uv(model: MorphableModel, size: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """(size, size) triangle of each texel, and (size, size, 3) weights of its corners.

    Raises:
        ValueError: If some texel belongs to no triangle.
    """
    texels = uv_to_texels(model.uv, size)
    flat = np.column_stack([texels[:, ::-1], np.zeros(len(texels))])
    triangle_ids, barycentric = rasterize(flat, model.triangles, size, size)
    empty = int((triangle_ids < 0).sum())
    if empty:
        raise ValueError(
            f"{empty} of the {size * size} texels of UV space belong to no triangle. "
            "Is tri_mouth missing, or do the texture coordinates not fill the unit square?"
        )
    return triangle_ids, barycentric


def sample_in_uv(model: MorphableModel, size: int, *values: NDArray[np.floating]) -> tuple[NDArray[np.float32], ...]:
    """(size, size, ...) values at all texels, from (V, ...) values at the vertices of a model.

    Raises:
        ValueError: If some texel belongs to no triangle.
    """
    triangle_ids, barycentric = cover_uv(model, size)
    corners = model.triangles[triangle_ids]
    return tuple(interpolate(of_vertices, corners, barycentric) for of_vertices in values)


def uv_to_texels(uv: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """(..., 2) row and col, not rounded, of (..., 2) texture coordinates u, v in [0, 1], v upwards."""
    last = size - 1
    return np.stack([last - uv[..., 1] * last, uv[..., 0] * last], axis=-1)


def draw_landmarks(
    regions: NDArray[np.uint8], landmark_texels: NDArray[np.int64], radius_texels: float, label: int
) -> NDArray[np.uint8]:
    """The labels with a disc of the given label about each landmark; radius 0 marks single texels."""
    size = len(regions)
    rows, cols = np.mgrid[:size, :size]
    drawn = regions.copy()
    for row, col in landmark_texels:
        drawn[(rows - row) ** 2 + (cols - col) ** 2 <= radius_texels**2] = label
    return drawn


def _mean_map(surface: NDArray[np.float32], landmarks: NDArray[np.floating]) -> NDArray[np.float32]:
    frontal = HeadPose.frontal().projection(image_height=0)
    box = crop_boxes(project(landmarks, frontal)[None])[0]
    projection = crop_projection(frontal, crop_matrix(box))
    mean_map = project(surface.reshape(-1, 3).astype(np.float64), projection)
    mean_map[:, 2] -= mean_map[:, 2].min()
    return mean_map.reshape(surface.shape).astype(np.float32)
