"""Replaces the ground-truth landmarks of a test set, for example with the re-annotation of AFLW2000-3D."""

import logging
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from datamodules.errors import InputError
from datamodules.files.landmark_arrays import read_landmarks
from datamodules.geometry.face_size import box_size
from datamodules.geometry.landmarks import LANDMARKS_68
from datamodules.readers.face_index import FaceIndex
from datamodules.readers.map_index import MapIndex

_log = logging.getLogger(__name__)

Index = TypeVar("Index", FaceIndex, MapIndex)

_FAR = 0.1  # of the face's size; different annotations of a face differ by less


@dataclass(frozen=True)
class ReplacedLandmarks:
    """Landmarks that are stored in a separate file.

    Attributes:
        path: .npy, .npz or .mat of (N, 68, 3) or (N, 68, 2): a row for each sample of a data set, usable or not, in the
            order of their sorted names.
        first_pixel: Coordinate of the first pixel in the file, 0 or 1.
    """

    path: Path
    first_pixel: int = 0

    def put_into(self, index: Index) -> Index:
        """The index with these landmarks; z is NaN where the file has none.

        Raises:
            InputError: If the rows of the file do not match the data set.
        """
        points = read_landmarks(self.path)
        if points.shape[1] != LANDMARKS_68:
            raise InputError(f"{self.path}: holds {points.shape[1]} landmarks a face. Give the 68.")
        keys = index.samples.keys
        if len(points) != len(keys):
            raise InputError(
                f"{self.path}: holds {len(points)} faces, {index.root} {len(keys)} samples. Its rows belong to the sorted "
                "names of the complete folder: complete it, or give the file that belongs to it."
            )
        row_of = {key: row for row, key in enumerate(keys)}
        rows = [row_of[index.key(row)] for row in range(len(index))]
        landmarks = np.full((len(rows), LANDMARKS_68, 3), np.nan, np.float32)
        landmarks[..., : points.shape[2]] = points[rows]
        landmarks[..., :2] -= self.first_pixel
        if index.landmarks_image_px is not None:
            self._warn_of_distant_landmarks(index, index.landmarks_image_px, landmarks)
        digest = blake2b(landmarks.tobytes(), digest_size=8, key=index.fingerprint.encode()).hexdigest()
        return replace(index, landmarks_image_px=landmarks, fingerprint=digest)

    def _warn_of_distant_landmarks(
        self, index: FaceIndex | MapIndex, own: NDArray[np.float32], landmarks: NDArray[np.float32]
    ) -> None:
        away = np.linalg.norm(landmarks[..., :2] - own[..., :2], axis=-1).mean(axis=1) / box_size(own)
        far = np.flatnonzero(away > _FAR)
        if len(far):
            worst = ", ".join(f"{index.key(row)} ({away[row]:.0%})" for row in far[np.argsort(-away[far])][:5].tolist())
            _log.warning(
                "%s: %d of %d faces lie more than %.0f %% of their size from the data set's own landmarks: %s. Do the "
                "rows belong to the sorted names?",
                self.path,
                len(far),
                len(index),
                100 * _FAR,
                worst,
            )
