"""Other landmarks than a test set's own, such as AFLW2000-3D's re-annotation."""

import logging
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from datamodules.errors import InputError
from datamodules.files.face_folders import FaceFolders
from datamodules.files.face_index import FaceIndex
from datamodules.files.landmark_arrays import read_landmarks
from datamodules.geometry.landmarks import LANDMARKS_68

_log = logging.getLogger(__name__)

_FAR = 0.1  # of the size of the face: so far from the data set's own landmarks two annotators are not


def with_landmarks(index: FaceIndex, folders: FaceFolders, path: Path, first_pixel: int) -> FaceIndex:
    """The index with other landmarks; z is NaN where the file has none.

    Args:
        index: Of the data set.
        folders: All its files, usable or not: a row belongs to each, in the order of their sorted stems.
        path: The landmarks.
        first_pixel: What the file calls the first pixel, 0 or 1.

    Raises:
        InputError: If the rows are not the folder's.
    """
    points = read_landmarks(path)
    if points.shape[1] != LANDMARKS_68:
        raise InputError(f"{path}: holds {points.shape[1]} landmarks a face. Give the 68.")
    if len(points) != len(folders.keys):
        raise InputError(
            f"{path}: holds {len(points)} faces, {index.root} {len(folders.keys)} samples. Its rows belong to the sorted "
            "names of the complete folder: complete it, or give the file that belongs to it."
        )
    place = {key: row for row, key in enumerate(folders.keys)}
    rows = [place[index.key(row)] for row in range(len(index))]
    landmarks = np.full((len(rows), LANDMARKS_68, 3), np.nan, np.float32)
    landmarks[..., : points.shape[2]] = points[rows]
    landmarks[..., :2] -= first_pixel
    if index.landmarks_68_px is not None:
        _warn_of_strangers(path, index, landmarks)
    digest = blake2b(landmarks.tobytes(), digest_size=8, key=index.fingerprint.encode()).hexdigest()
    return replace(index, landmarks_68_px=landmarks, fingerprint=digest)


def _warn_of_strangers(path: Path, index: FaceIndex, landmarks: NDArray[np.float32]) -> None:
    own = index.landmarks_68_px
    assert own is not None
    size = np.sqrt(np.ptp(own[..., :2], axis=1).prod(axis=1))
    away = np.linalg.norm(landmarks[..., :2] - own[..., :2], axis=-1).mean(axis=1) / size
    far = np.flatnonzero(away > _FAR)
    if len(far):
        worst = ", ".join(f"{index.key(row)} ({away[row]:.0%})" for row in far[np.argsort(-away[far])][:5].tolist())
        _log.warning(
            "%s: %d of %d faces lie more than %.0f %% of their size from the data set's own landmarks: %s. Do the "
            "rows belong to the sorted names?",
            path,
            len(far),
            len(index),
            100 * _FAR,
            worst,
        )
