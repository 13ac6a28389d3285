"""The index of a data set of fitted photographs: coefficients, poses, image sizes and landmarks of all samples.

A sample of 300W-LP takes 940 bytes (228 coefficients and 7 pose parameters in float32), 4 for the size of its image,
its name twice, and 816 for 3-D landmarks where the data set has them.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from datamodules.geometry.camera import HeadPose
from datamodules.geometry.landmarks import LANDMARKS_68
from datamodules.readers.index_options import IndexOptions, Verification
from datamodules.readers.row_cache import Row, RowReader, cache_key, cached_rows
from datamodules.readers.sample_reader import SampleReader, fault_of, listed
from datamodules.readers.sample_table import (
    SampleTable,
    checked_image_size,
    decoded_images,
    photographs_of,
    reader_identity,
)
from datamodules.types import FaceRecord

_VERSION = 2  # to be raised with the layout of the files, so that older indices are built again
_IDENTIFYING = (("identity", "expression"), ("poses",), ("image_sizes",), ("landmarks",))
_POSE_PARAMETERS = 7


@dataclass(frozen=True, eq=False)
class FaceIndex(SampleTable):
    """The readable samples of a data set of fitted photographs.

    Attributes:
        identity: (N, K) coefficients.
        expression: (N, L) coefficients.
        poses: (N, 7) pitch, yaw, roll (radians), tx, ty, tz, scale.
        landmarks_image_px: (N, 68, 3) 0-based pixels, NaN for samples without landmarks; None if no sample has any.
        folder: Folder of the cached index.
    """

    reader: SampleReader
    identity: NDArray[np.float32]
    expression: NDArray[np.float32]
    poses: NDArray[np.float32]
    landmarks_image_px: NDArray[np.float32] | None
    folder: Path

    def record(self, row: int) -> FaceRecord:
        """One sample, exactly as it is on disk."""
        width, height = self.image_sizes[row].tolist()
        landmarks = None if self.landmarks_image_px is None else self.landmarks_image_px[row]
        if landmarks is not None and np.isnan(landmarks[:, :2]).any():  # some have no z
            landmarks = None
        return FaceRecord(
            self.key(row),
            self.image_path(row),
            (width, height),
            self.identity[row],
            self.expression[row],
            HeadPose.from_pose_para(self.poses[row]),
            landmarks,
        )


def open_index(
    root: Path,
    reader: SampleReader,
    options: IndexOptions = IndexOptions(),  # noqa: B008  # frozen
    processes: int = 1,
) -> FaceIndex:
    """The index of a data set, which is built if the cache has none of these very files.

    Args:
        root: Folder of the data set.
        reader: Reads it.
        options: What is checked while building, and where indices are cached.
        processes: Number of processes that read files while building.

    Raises:
        InputError: If no sample can be read, or the cache cannot be written.
    """
    samples = listed(reader, root)
    identity = _VERSION, root.resolve(), reader_identity(reader), samples.fingerprint, options.verify
    row_reader = RowReader(partial(_read_row, root, reader, options.verify), _IDENTIFYING)
    rows = cached_rows(root, samples, options.cache / f"index-{cache_key(*identity)}", row_reader, processes)
    columns = rows.columns
    return FaceIndex(
        root,
        samples,
        rows.keys,
        photographs_of(rows.keys, samples),
        columns["image_sizes"],
        rows.faults,
        rows.fingerprint,
        reader,
        decoded_images(root, reader, rows, options),
        columns["identity"],
        columns["expression"],
        columns["poses"],
        columns.get("landmarks"),
        rows.folder,
    )


def _read_row(root: Path, reader: SampleReader, verify: Verification, key: str) -> Row | str:
    try:
        face = reader.read(root, key)
        image_size = checked_image_size(reader.image_path(root, key), verify)
        identity, expression, pose = (
            np.asarray(values, np.float32) for values in (face.identity, face.expression, face.pose)
        )
        landmarks = None if face.landmarks_image_px is None else np.asarray(face.landmarks_image_px, np.float32)
    # what a reader raises depends on its files
    except Exception as error:  # noqa: BLE001
        return fault_of(reader, root, key, error)
    if identity.ndim != 1 or expression.ndim != 1:
        shapes = f"identity and expression coefficients of shapes {identity.shape} and {expression.shape}"
        return f"{root / key}: is read as {shapes}, expected one axis each. Correct {type(reader).__name__}.read."
    if not all(np.isfinite(values).all() for values in (identity, expression, pose)):
        return f"{root / key}: its coefficients or its pose hold NaN or infinite numbers. Correct or remove it."
    if pose.shape != (_POSE_PARAMETERS,) or (landmarks is not None and landmarks.shape != (LANDMARKS_68, 3)):
        shapes = f"a pose of shape {pose.shape} and landmarks of shape {None if landmarks is None else landmarks.shape}"
        return (
            f"{root / key}: has {shapes}, expected (7,) and ({LANDMARKS_68}, 3). Correct {type(reader).__name__}.read."
        )
    return {
        "identity": identity,
        "expression": expression,
        "poses": pose,
        "image_sizes": np.array(image_size, np.uint16),
        "landmarks": landmarks,
    }
