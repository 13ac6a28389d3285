"""Draws the difference of two maps as colours: on the photograph, in UV space, and as a texture."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from datamodules.files.images import warp_image
from datamodules.geometry.crop import crop_matrix, crop_points, image_matrix
from datamodules.geometry.rasterizer import rasterize
from datamodules.geometry.visibility import depth_map
from lightning_module.inference.demo.map_difference import MapDifference
from lightning_module.inference.face import Face
from lightning_module.inference.overlays import OVERLAY_SIZE

Image = NDArray[np.uint8]

_ENDS = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)  # percent; round numbers, so that bars can be compared
_SHOWN = 99.0  # percentile that the bar reaches; single texels beyond it have its last colour
_COLOURS = cv2.COLORMAP_INFERNO  # from black to yellow: as even in grey, and for the colour-blind
_OUTSIDE = (128, 128, 128)
_DIMMED = 0.45  # brightness of the photograph around the face
_DOT = (255, 255, 255)


@dataclass(frozen=True)
class ColourScale:
    """The colours of distances, from 0 to `end` percent of the face's size."""

    end: float

    @classmethod
    def of(cls, difference: MapDifference) -> "ColourScale":
        """The shortest of a few scales that shows nearly all distances of the face."""
        most = float(np.percentile(difference.of_face, _SHOWN))
        return cls(next((end for end in _ENDS if most <= end), _ENDS[-1]))

    def colours(self, percent: NDArray[np.floating]) -> Image:
        """(..., 3) RGB of (...) distances; grey where they are NaN."""
        levels = np.rint(255 * np.clip(np.nan_to_num(percent) / self.end, 0, 1)).astype(np.uint8)
        colours = cv2.cvtColor(cv2.applyColorMap(levels.reshape(-1, 1), _COLOURS), cv2.COLOR_BGR2RGB)
        return np.where(np.isnan(percent)[..., None], _OUTSIDE, colours.reshape(*percent.shape, 3)).astype(np.uint8)


def on_face(face: Face, difference: MapDifference, scale: ColourScale) -> Image:
    """(512, 512, 3) the colours on the face, in the crop of its overlays."""
    matrix = image_matrix(crop_matrix(face.crop), OVERLAY_SIZE)
    picture = np.asarray(warp_image(face.image, matrix, OVERLAY_SIZE) * _DIMMED, np.uint8)
    points = crop_points(face.map_px, matrix)
    triangles = face.layout.grid.seen_triangles(points)
    drawn = rasterize(points, triangles, OVERLAY_SIZE, OVERLAY_SIZE)
    as_height = np.column_stack([points[:, :2], np.nan_to_num(difference.percent).ravel()])
    percent = depth_map(as_height, *drawn, triangles)
    is_face = np.isfinite(percent)
    picture[is_face] = scale.colours(percent[is_face])
    return picture


def in_uv_space(face: Face, difference: MapDifference, scale: ColourScale) -> Image:
    """(512, 512, 3) the colours of the map, with a dot at each landmark."""
    picture = as_texture(difference, scale)
    step = (OVERLAY_SIZE - 1) / (len(difference.percent) - 1)
    for row, col in face.layout.landmark_texels[: len(face.landmarks)] * step:
        cv2.circle(picture, (round(col), round(row)), 2, _DOT, -1, cv2.LINE_AA)
    return picture


def as_texture(difference: MapDifference, scale: ColourScale) -> Image:
    """(512, 512, 3) texture of the face's mesh."""
    size = (OVERLAY_SIZE, OVERLAY_SIZE)
    return np.asarray(cv2.resize(scale.colours(difference.percent), size, interpolation=cv2.INTER_NEAREST), np.uint8)
