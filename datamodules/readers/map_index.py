"""The index of a data set of stored position maps: image sizes, landmarks and yaw of all samples.

A sample takes 824 bytes and its name twice. Landmarks and yaw are computed from the map when the index is built.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from datamodules.errors import InputError
from datamodules.geometry.crop import CROP_SIZE
from datamodules.geometry.head_pose import head_angles_deg
from datamodules.geometry.landmarks import LANDMARKS_68
from datamodules.geometry.uv_layout import UVLayout
from datamodules.readers.index_options import IndexOptions, Verification
from datamodules.readers.row_cache import Row, RowReader, cache_key, cached_rows
from datamodules.readers.sample_reader import MapReader, fault_of, listed
from datamodules.readers.sample_table import (
    SampleTable,
    checked_image_size,
    decoded_images,
    photographs_of,
    reader_identity,
)
from datamodules.types import MapRecord

_VERSION = 1  # to be raised with the layout of the files, so that older indices are built again
_IDENTIFYING = (("image_sizes",), ("landmarks",))
_STEP = 8  # every eighth texel is enough for a rigid fit


@dataclass(frozen=True, eq=False)
class MapIndex(SampleTable):
    """The readable samples of a data set of stored position maps.

    Attributes:
        landmarks_image_px: (N, 68, 3) in pixels of the crop images.
        yaws_deg: (N,) yaw of the heads.
    """

    reader: MapReader
    landmarks_image_px: NDArray[np.float32]
    yaws_deg: NDArray[np.float64]

    def record(self, row: int) -> MapRecord:
        """One sample with its map."""
        key = self.key(row)
        points = self.reader.read_map(self.root, key)
        return MapRecord(key, self.image_path(row), points, self.landmarks_image_px[row], float(self.yaws_deg[row]))


def open_map_index(
    root: Path, reader: MapReader, layout: UVLayout, options: IndexOptions, processes: int = 1
) -> MapIndex:
    """The index of a data set, which is built if the cache has none of these very files.

    Args:
        root: Folder of the data set.
        reader: Reads it.
        layout: The layout of the maps: landmark texels and mean map.
        options: What is checked while building, and where indices are cached.
        processes: Number of processes that read files while building.

    Raises:
        InputError: If no sample can be read, or the cache cannot be written.
    """
    samples = listed(reader, root)
    identity = _VERSION, root.resolve(), reader_identity(reader), samples.fingerprint, options.verify
    folder = options.cache / f"maps-{cache_key(*identity, layout.fingerprint())}"
    row_reader = RowReader(partial(_read_row, root, reader, layout, options.verify), _IDENTIFYING)
    rows = cached_rows(root, samples, folder, row_reader, processes)
    sizes, landmarks, yaws = (rows.columns[name] for name in ("image_sizes", "landmarks", "yaws_deg"))
    photographs = photographs_of(rows.keys, samples)
    decoded = decoded_images(root, reader, rows, options)
    return MapIndex(
        root, samples, rows.keys, photographs, sizes, rows.faults, rows.fingerprint, reader, decoded, landmarks, yaws
    )


def _read_row(root: Path, reader: MapReader, layout: UVLayout, verify: Verification, key: str) -> Row | str:
    try:
        path = reader.image_path(root, key)
        width, height = checked_image_size(path, verify)
        if width != height:
            raise InputError(f"{path}: is {width} x {height} pixels. The crop of a position map is square.")
        points = np.asarray(reader.read_map(root, key), np.float32)
    # what a reader raises depends on its files
    except Exception as error:  # noqa: BLE001
        return fault_of(reader, root, key, error)
    if points.shape != layout.mean_map.shape:
        expected = layout.mean_map.shape
        return f"{root / key}: is read as a map of shape {points.shape}, expected {expected}. Correct {type(reader).__name__}."
    if not np.isfinite(points).all():
        return f"{root / key}: its map holds NaN or infinite numbers. Correct or remove it."
    row, col = layout.landmark_texels[:LANDMARKS_68].T
    landmarks = points[row, col] * np.float32((width - 1) / (CROP_SIZE - 1))
    if not np.ptp(landmarks[:, :2], axis=0).all():
        return f"{root / key}: the landmarks of its position map span no area. Write it again, or remove it."
    every = slice(None, None, _STEP)
    face, mean = (array[every, every].reshape(-1, 3) for array in (points, layout.mean_map))
    return {
        "image_sizes": np.array([width, height], np.uint16),
        "landmarks": landmarks,
        "yaws_deg": np.array(head_angles_deg(face, mean)[1]),
    }
