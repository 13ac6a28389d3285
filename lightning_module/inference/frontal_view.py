"""A photograph's face as it would look from the front: its colours at the points of a position map."""

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from datamodules.files.images import warp_image
from datamodules.geometry.crop import CROP_SIZE, crop_matrix, image_matrix
from lightning_module.inference.face import MapLayout

VIEW_SIZE = 32  # pixels per side: fewer than most faces have, so that small ones look like large ones
_CROP_PX = 96  # pixels per side of the crop that is read: a face, two thirds of it, has about two per pixel of the view
_BLUR = 1.0  # pixels of that crop, against aliasing
_HOLE = 2.0  # pixels of the view to the nearest texel beyond which there is no face
_LEAST_SEEN = 0.1  # of the view; of less, nothing can be said
_LEAST_CONTRAST = 4.0  # grey levels; below, noise would be stretched to a picture
_MOST = 3.0  # standard deviations at which the grey levels are clipped


class FrontalView:
    """Views of faces on the same pixels, whatever their pose and the layout of the network's maps.

    Args:
        layout: Layout of the maps.
    """

    def __init__(self, layout: MapLayout) -> None:
        rows, cols = np.nonzero(layout.grid.is_valid)
        mean = layout.mean_map[rows, cols, :2]
        low, high = mean.min(axis=0), mean.max(axis=0)
        steps = (np.arange(VIEW_SIZE) + 0.5) / VIEW_SIZE
        x, y = np.meshgrid(*(low[axis] + steps * (high - low)[axis] for axis in (0, 1)))
        distance, nearest = cKDTree(mean).query(np.column_stack([x.ravel(), y.ravel()]))
        shape = (VIEW_SIZE, VIEW_SIZE)
        last = len(layout.mean_map) - 2
        self._rows, self._cols = (np.clip(axis[nearest], 1, last).reshape(shape) for axis in (rows, cols))
        self._is_face = (distance <= _HOLE * (high - low).max() / VIEW_SIZE).reshape(shape)
        self._outward = layout.grid.outward

    def view(
        self, image: NDArray[np.uint8], position_map: NDArray[np.float32], crop: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        """(2, 32, 32) grey levels, with mean 0 and deviation 1 over what is seen; and 1 where the face is seen.

        Args:
            image: (H, W, 3) RGB photograph.
            position_map: (S, S, 3) map in crop pixels.
            crop: (3,) x and y of the centre and side of the crop.
        """
        near = warp_image(image, image_matrix(crop_matrix(crop), _CROP_PX), _CROP_PX)
        grey = cv2.GaussianBlur(cv2.cvtColor(near, cv2.COLOR_RGB2GRAY), (0, 0), _BLUR)
        row, col = self._rows, self._cols
        x, y = np.moveaxis(position_map[row, col, :2] * np.float32((_CROP_PX - 1) / (CROP_SIZE - 1)), -1, 0)
        # as a logarithm, since light multiplies
        seen = np.log(cv2.remap(grey, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE) + np.float32(16))
        is_inside = (x >= 0) & (y >= 0) & (x <= _CROP_PX - 1) & (y <= _CROP_PX - 1)
        is_seen = self._is_face & is_inside & self._looks_at_camera(position_map)
        return standardised(seen, is_seen)

    def _looks_at_camera(self, position_map: NDArray[np.float32]) -> NDArray[np.bool_]:
        row, col = self._rows, self._cols
        across = position_map[row, col + 1, :2] - position_map[row, col - 1, :2]
        down = position_map[row + 1, col, :2] - position_map[row - 1, col, :2]
        return np.asarray(self._outward * (across[..., 0] * down[..., 1] - across[..., 1] * down[..., 0]) > 0)


def standardised(levels: NDArray[np.float32], is_seen: NDArray[np.bool_]) -> NDArray[np.float32]:
    """(2, S, S) the levels with mean 0 and deviation 1 where they are seen, 0 elsewhere; and what is seen."""
    if is_seen.mean() < _LEAST_SEEN:
        return np.zeros((2, *levels.shape), np.float32)
    values = levels[is_seen]
    contrast = max(float(values.std()), _LEAST_CONTRAST / 100)
    grey = np.where(is_seen, np.clip((levels - values.mean()) / contrast, -_MOST, _MOST), 0)
    return np.stack([grey, is_seen]).astype(np.float32)
