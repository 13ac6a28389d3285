"""The crops of a data set: a square about the 68 projected model landmarks of each face."""

from dataclasses import dataclass
from functools import partial
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from datamodules.files.cached_files import kept_or_made
from datamodules.geometry.camera import projections
from datamodules.geometry.crop import CROP_MARGIN, crop_boxes
from datamodules.geometry.landmark_model import LandmarkModel
from datamodules.geometry.morphable_model import MorphableModel
from datamodules.readers.face_index import FaceIndex

_CHUNK = 4096  # faces projected at a time


@dataclass(frozen=True, eq=False)
class CropTable:
    """Crops of the samples that can be used.

    Attributes:
        rows: (M,) rows of the usable samples in the index.
        boxes: (N, 3) x and y of the centre and side, in pixels, of all N rows.
        faults: One line for each sample left out.
    """

    rows: NDArray[np.intp]
    boxes: NDArray[np.float64]
    faults: list[str]


def make_crops(index: FaceIndex, model: MorphableModel) -> CropTable:
    """The crops of a data set under a model; they are cached with its index."""
    place = index.folder / f"crops-{model.fingerprint}.npy"
    boxes = np.load(BytesIO(kept_or_made(place, partial(_boxes_file, index, LandmarkModel(model)))))
    half = boxes[:, 2:] / (2 * CROP_MARGIN)
    misses_image = ((boxes[:, :2] + half < 0) | (boxes[:, :2] - half > index.image_sizes - 1.0)).any(axis=1)
    has_no_area = boxes[:, 2] <= 0
    faults = [
        f"{index.root / index.key(row)}: the face "
        + ("has no area" if has_no_area[row] else "lies outside the image")
        + f". Do {index.image_path(row).name} and its parameters belong together? Copy them again, or remove them."
        for row in np.flatnonzero(misses_image | has_no_area).tolist()
    ]
    return CropTable(np.flatnonzero(~(misses_image | has_no_area)), boxes, faults)


def _boxes_file(index: FaceIndex, landmarks: LandmarkModel) -> bytes:
    file = BytesIO()
    np.save(file, _boxes(index, landmarks))
    return file.getvalue()


def _boxes(index: FaceIndex, landmarks: LandmarkModel) -> NDArray[np.float64]:
    boxes = np.empty((len(index), 3))
    for start in range(0, len(index), _CHUNK):
        rows = slice(start, start + _CHUNK)
        to_image = projections(index.poses[rows], index.image_sizes[rows, 1])
        boxes[rows] = crop_boxes(landmarks.project(index.identity[rows], index.expression[rows], to_image))
    return boxes
