"""All that a data set's .mat files say, in a few arrays: built once, read back at once.

An index is a folder of .npy files, memory-mapped, so that workers share it. A sample takes 940 bytes (228
coefficients and 7 pose parameters in float32), 4 for the size of its image, its name, and 816 for 3-D landmarks where
the data set has them.
"""

import json
import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from pathlib import Path
from tempfile import mkdtemp
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from datamodules.errors import InputError
from datamodules.files.face_folders import FaceFolders, FolderLayout
from datamodules.files.face_mat import POSE_PARAMETERS, FaceParameters, read_face_mat
from datamodules.files.images import read_image, read_image_size
from datamodules.geometry.camera import HeadPose
from datamodules.geometry.landmarks import LANDMARKS_68
from datamodules.geometry.morphable_model import SAMPLE_COEFFICIENTS
from datamodules.types import FaceRecord

Verification = Literal["header", "full"]

_VERSION = 1  # change it with the layout of the files: older indices are then built anew
_CHUNK = 256  # samples handed to a process at a time
_KEYS, _COEFFICIENTS, _POSES, _SIZES, _LANDMARKS = (
    f"{name}.npy" for name in ("keys", "coefficients", "poses", "image_sizes", "landmarks")
)
_ABOUT = "index.json"


@dataclass(frozen=True, eq=False)
class FaceIndex:
    """The readable samples of a data set.

    Attributes:
        root: Its folder.
        layout: Its folder layout.
        keys: (N,) bytes, sorted.
        coefficients: (N, 228) identity, then expression.
        poses: (N, 7) pitch, yaw, roll (radians), tx, ty, tz, scale.
        image_sizes: (N, 2) width, height.
        landmarks_68_px: (N, 68, 3) 0-based pixels, NaN where a sample has none; None where no sample has.
        faults: One line for each sample left out.
        fingerprint: 16 hexadecimal digits of all the samples' numbers, the same wherever the data set lies.
        folder: Where the index is kept.
    """

    root: Path
    layout: FolderLayout
    keys: NDArray[np.bytes_]
    coefficients: NDArray[np.float32]
    poses: NDArray[np.float32]
    image_sizes: NDArray[np.uint16]
    landmarks_68_px: NDArray[np.float32] | None
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
        return self.root / f"{self.key(row)}.jpg"

    def record(self, row: int) -> FaceRecord:
        """One sample, exactly as disk has it."""
        width, height = self.image_sizes[row].tolist()
        landmarks = None if self.landmarks_68_px is None else self.landmarks_68_px[row]
        if landmarks is not None and np.isnan(landmarks[:, :2]).any():  # some have no z
            landmarks = None
        pose = HeadPose.from_pose_para(self.poses[row])
        return FaceRecord(self.key(row), self.image_path(row), (width, height), self.coefficients[row], pose, landmarks)


def open_index(folders: FaceFolders, cache: Path, verify: Verification = "header", processes: int = 1) -> FaceIndex:
    """The index of a data set, built if there is none of exactly these files.

    Args:
        folders: What is on disk.
        cache: Folder that holds indices.
        verify: "full" decodes every image while building; "header" reads their sizes only.
        processes: How many read at a time while building.

    Raises:
        InputError: If no sample can be read, or the cache cannot be written.
    """
    place = cache / f"index-{_cache_key(folders, verify)}"
    if not (place / _ABOUT).is_file():
        _build(folders, place, verify, processes)
    about = json.loads((place / _ABOUT).read_text())
    return FaceIndex(
        folders.root,
        folders.layout,
        np.load(place / _KEYS, mmap_mode="r"),
        np.load(place / _COEFFICIENTS, mmap_mode="r"),
        np.load(place / _POSES, mmap_mode="r"),
        np.load(place / _SIZES, mmap_mode="r"),
        np.load(place / _LANDMARKS, mmap_mode="r") if about["has_landmarks"] else None,
        about["faults"],
        about["fingerprint"],
        place,
    )


def _cache_key(folders: FaceFolders, verify: Verification) -> str:
    identity = f"{_VERSION}\0{folders.root.resolve()}\0{folders.layout}\0{folders.fingerprint}\0{verify}"
    return blake2b(identity.encode(), digest_size=8).hexdigest()


def _build(folders: FaceFolders, place: Path, verify: Verification, processes: int) -> None:
    """Writes the index beside its place and then renames it: what is interrupted leaves no half index."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        partial_place = Path(mkdtemp(prefix=f".{place.name}-", dir=place.parent))
    except OSError as error:
        raise InputError(
            f"{place.parent}: cannot be written ({error.strerror}). Set --data.cache_dir to a folder that can."
        ) from error
    try:
        _write(folders, partial_place, verify, processes)
        # another process may have been quicker; what it wrote is the same
        if not (place / _ABOUT).is_file():
            shutil.rmtree(place, ignore_errors=True)
            os.replace(partial_place, place)
    except OSError as error:
        if not (place / _ABOUT).is_file():
            raise InputError(
                f"{place.parent}: cannot be written ({error.strerror or error}). Set --data.cache_dir to a folder with room."
            ) from error
    finally:
        shutil.rmtree(partial_place, ignore_errors=True)


def _write(folders: FaceFolders, place: Path, verify: Verification, processes: int) -> None:
    count = len(folders.keys)
    coefficients = np.empty((count, SAMPLE_COEFFICIENTS), np.float32)
    poses = np.empty((count, POSE_PARAMETERS), np.float32)
    sizes = np.empty((count, 2), np.uint16)
    landmarks: NDArray[np.float32] | None = None
    keys: list[str] = []
    faults = list(folders.faults)
    for key, sample in zip(folders.keys, _read_all(folders, verify, processes), strict=True):
        if isinstance(sample, str):
            faults.append(sample)
            continue
        face, size = sample
        row = len(keys)
        keys.append(key)
        coefficients[row], poses[row], sizes[row] = face.coefficients, face.pose, size
        if face.landmarks_68_px is not None:
            if landmarks is None:
                landmarks = np.full((count, LANDMARKS_68, 3), np.nan, np.float32)
            landmarks[row] = face.landmarks_68_px
    if not keys:
        raise InputError(f"{folders.root}: none of its {count} samples can be read; the first: {faults[0]}")
    digest = blake2b("\n".join(keys).encode(), digest_size=8)
    used: dict[str, NDArray[np.generic]] = {
        _COEFFICIENTS: coefficients[: len(keys)],
        _POSES: poses[: len(keys)],
        _SIZES: sizes[: len(keys)],
    }
    if landmarks is not None:
        used[_LANDMARKS] = landmarks[: len(keys)]
    for name, array in used.items():
        np.save(place / name, array)
        digest.update(np.ascontiguousarray(array).view(np.uint8).data)
    np.save(place / _KEYS, np.array([key.encode() for key in keys]))
    about = {
        "root": str(folders.root),
        "faults": faults,
        "fingerprint": digest.hexdigest(),
        "has_landmarks": landmarks is not None,
    }
    (place / _ABOUT).write_text(json.dumps(about, indent=1))


def _read_all(
    folders: FaceFolders, verify: Verification, processes: int
) -> Iterator[tuple[FaceParameters, tuple[int, int]] | str]:
    read = partial(_read_sample, folders.root, verify)
    progress = partial(tqdm, total=len(folders.keys), desc=f"Indexing {folders.root.name}", unit="face", leave=False)
    if processes <= 1 or len(folders.keys) <= _CHUNK:
        yield from progress(map(read, folders.keys))
        return
    with ProcessPoolExecutor(processes) as pool:
        yield from progress(pool.map(read, folders.keys, chunksize=_CHUNK))


def _read_sample(root: Path, verify: Verification, key: str) -> tuple[FaceParameters, tuple[int, int]] | str:
    """The sample, or what is wrong with it."""
    image_path = root / f"{key}.jpg"
    try:
        face = read_face_mat(root / f"{key}.mat")
        width, height = read_image_size(image_path)
        if max(width, height) > np.iinfo(np.uint16).max:
            raise InputError(f"{image_path}: is {width} x {height} pixels, too large. Scale it down with its .mat.")
        if verify == "full":
            read_image(image_path)
    except InputError as error:
        return str(error)
    return face, (width, height)
