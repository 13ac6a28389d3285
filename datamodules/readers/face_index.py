"""The index of a data set of fitted photographs: coefficients, poses, image sizes and landmarks of all samples.

A sample of 300W-LP takes 940 bytes (228 coefficients and 7 pose parameters in float32), 4 for the size of its image,
its name twice, and 816 for 3-D landmarks where the data set has them.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from datamodules.errors import InputError
from datamodules.files.images import read_image, read_image_size
from datamodules.geometry.camera import HeadPose
from datamodules.geometry.landmarks import LANDMARKS_68
from datamodules.readers.index_options import IndexOptions, Verification
from datamodules.readers.row_cache import Row, RowReader, cache_key, cached_rows
from datamodules.readers.sample_reader import SampleList, SampleReader, fault_of, listed
from datamodules.types import FaceRecord

_VERSION = 2  # change it with the layout of the files: older indices are then built anew
_IDENTIFYING = (("identity", "expression"), ("poses",), ("image_sizes",), ("landmarks",))
_POSE_PARAMETERS = 7
_LARGEST_PX = np.iinfo(np.uint16).max


@dataclass(frozen=True, eq=False)
class FaceIndex:
    """The readable samples of a data set of fitted photographs.

    Attributes:
        root: Its folder.
        reader: Its reader.
        samples: All its samples, readable or not.
        keys: (N,) bytes, in their order.
        photographs: (N,) names of the photographs that samples show.
        identity: (N, K) coefficients.
        expression: (N, L) coefficients.
        poses: (N, 7) pitch, yaw, roll (radians), tx, ty, tz, scale.
        image_sizes: (N, 2) width, height.
        landmarks_image_px: (N, 68, 3) 0-based pixels, NaN where a sample has none; None where no sample has.
        faults: One line for each sample left out.
        fingerprint: 16 hexadecimal digits of all the samples' numbers, the same wherever the data set lies.
        folder: Where the index is kept.
    """

    root: Path
    reader: SampleReader
    samples: SampleList
    keys: NDArray[np.bytes_]
    photographs: NDArray[np.str_]
    identity: NDArray[np.float32]
    expression: NDArray[np.float32]
    poses: NDArray[np.float32]
    image_sizes: NDArray[np.uint16]
    landmarks_image_px: NDArray[np.float32] | None
    faults: list[str]
    fingerprint: str
    folder: Path

    def __len__(self) -> int:
        return len(self.keys)

    def key(self, row: int) -> str:
        """Path of a sample below the root, without its ending."""
        return str(self.keys[row].decode())

    def image_path(self, row: int) -> Path:
        """The sample's photograph."""
        return self.reader.image_path(self.root, self.key(row))

    def record(self, row: int) -> FaceRecord:
        """One sample, exactly as disk has it."""
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
    """The index of a data set, built if the cache has none of exactly these files.

    Args:
        root: Folder of the data set.
        reader: Reads it.
        options: What is checked while building, and where indices are kept.
        processes: How many read at a time while building.

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
        reader,
        samples,
        rows.keys,
        photographs_of(rows.keys, samples),
        columns["identity"],
        columns["expression"],
        columns["poses"],
        columns["image_sizes"],
        columns.get("landmarks"),
        rows.faults,
        rows.fingerprint,
        rows.folder,
    )


def reader_identity(reader: object) -> str:
    """Class and options of a reader."""
    return f"{type(reader).__module__}.{type(reader).__qualname__} {sorted(vars(reader).items())}"


def photographs_of(keys: NDArray[np.bytes_], samples: SampleList) -> NDArray[np.str_]:
    """(N,) photographs of the keys that could be read."""
    by_key = dict(zip(samples.keys, samples.photographs, strict=True))
    return np.array([by_key[key.decode()] for key in keys])


def checked_image_size(image_path: Path, verify: Verification) -> tuple[int, int]:
    """Width and height of an image that can be read.

    Raises:
        InputError: If it cannot; with "full" verification, also if its pixels cannot be decoded.
    """
    width, height = read_image_size(image_path)
    if max(width, height) > _LARGEST_PX:
        raise InputError(f"{image_path}: is {width} x {height} pixels, too large. Scale it down with its parameters.")
    if verify == "full":
        read_image(image_path)
    return width, height


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
        return f"{root / key}: is read as {shapes}, expected one axis each. Mend {type(reader).__name__}.read."
    if not all(np.isfinite(values).all() for values in (identity, expression, pose)):
        return f"{root / key}: its coefficients or its pose hold NaN or infinite numbers. Mend or remove it."
    if pose.shape != (_POSE_PARAMETERS,) or (landmarks is not None and landmarks.shape != (LANDMARKS_68, 3)):
        shapes = f"a pose of shape {pose.shape} and landmarks of shape {None if landmarks is None else landmarks.shape}"
        return f"{root / key}: is read as {shapes}, expected (7,) and ({LANDMARKS_68}, 3). Mend {type(reader).__name__}.read."
    return {
        "identity": identity,
        "expression": expression,
        "poses": pose,
        "image_sizes": np.array(image_size, np.uint16),
        "landmarks": landmarks,
    }
