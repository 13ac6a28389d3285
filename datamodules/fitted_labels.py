"""Training labels as photographs have them: coefficients and poses fitted to annotated landmarks, instead of the truth."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from hashlib import blake2b
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from datamodules.files.bfm import read_coefficient_deviations, read_morphable_model
from datamodules.files.cached_files import kept_or_made
from datamodules.geometry.annotation import annotated, noise_of_hidden
from datamodules.geometry.camera import project, projections
from datamodules.geometry.face_size import box_size
from datamodules.geometry.landmark_fit import NOISE, fit_faces
from datamodules.geometry.landmark_model import LandmarkModel
from datamodules.geometry.landmarks import LANDMARKS_68
from datamodules.geometry.morphable_model import MorphableModel
from datamodules.geometry.visibility import depth_behind
from datamodules.readers.face_index import FaceIndex
from datamodules.readers.row_cache import cache_key

VERSION = 1  # to be raised by any change of the labels, so that they are made again
_CHUNK = 60  # faces fitted at once; labels are the same to the bit for the same chunks only


@dataclass(frozen=True, eq=False)
class Labels:
    """Coefficients and poses of the N faces of an index.

    Attributes:
        identity: (N, K) coefficients.
        expression: (N, L) coefficients.
        poses: (N, 7) pitch, yaw, roll (radians), tx, ty, tz, scale.
    """

    identity: NDArray[np.float32]
    expression: NDArray[np.float32]
    poses: NDArray[np.float32]


@dataclass(frozen=True)
class FittedLabels:
    """Fits a face model to annotations of faces whose truth is known, and caches the coefficients and poses.

    An annotator places the 68 landmarks in the image plane, with the noise of geometry/annotation.py. The face model is
    fitted to them by the fit of `fit-landmarks`, which trusts hidden landmarks less. The points between the landmarks and
    all depths are the model's guess.

    Attributes:
        model: BFM.mat, with the deviations of its coefficients.
        cache: Folder of the cache.
        seed: Seed of the annotators, together with the key of a face.
        processes: Number of threads that fit; it does not change the labels.
    """

    model: Path
    cache: Path
    seed: int = 0
    processes: int = 1

    def put_into(self, index: FaceIndex) -> FaceIndex:
        """The index with fitted coefficients and poses, and with the fit's landmarks in place of the true ones."""
        model = read_morphable_model(self.model)
        # what the labels depend on, not their last digits, which other processors may round otherwise
        fingerprint = cache_key(VERSION, index.fingerprint, model.fingerprint, self.seed)
        folder = self.cache / f"labels-{fingerprint}"
        place = folder / "labels.npz"
        with np.load(BytesIO(kept_or_made(place, partial(self._file, index, model)))) as stored:
            labels = Labels(stored["identity"], stored["expression"], stored["poses"])
        return replace(index, **vars(labels), landmarks_image_px=None, fingerprint=fingerprint, folder=folder)

    def _file(self, index: FaceIndex, model: MorphableModel) -> bytes:
        labels = fit_labels(index, model, read_coefficient_deviations(self.model, model), self.seed, self.processes)
        file = BytesIO()
        np.savez(file, **vars(labels))
        return file.getvalue()


@dataclass(frozen=True, eq=False)
class Annotations:
    """The true landmarks of M faces, and where an annotator places them.

    Attributes:
        true_px: (M, 68, 3) landmarks in 0-based pixels of the photographs.
        placed_px: (M, 68, 2) the annotator's.
        hidden_by: (M, 68) depth of each behind the nearest surface, in sizes of the face; 0 in plain view.
    """

    true_px: NDArray[np.float64]
    placed_px: NDArray[np.float64]
    hidden_by: NDArray[np.float64]


def annotate(index: FaceIndex, rows: NDArray[np.intp], model: MorphableModel, seed: int) -> Annotations:
    """The annotations of the faces of (M,) rows of an index; each depends on the seed and on the key of its face."""
    identity, expression = index.identity[rows], index.expression[rows]
    to_image = projections(index.poses[rows], index.image_sizes[rows, 1])
    landmarks = LandmarkModel(model).project(identity, expression, to_image)
    behind = np.empty(landmarks.shape[:2])
    for number, row in enumerate(rows.tolist()):
        vertices = project(model.vertices(identity[number], expression[number]), to_image[number])
        width, height = index.image_sizes[row].tolist()
        behind[number] = depth_behind(landmarks[number], vertices, model.triangles, height, width)
    hidden_by = behind / box_size(landmarks)[:, None]
    normal = np.stack([_generator(seed, index.key(row)).normal(size=(LANDMARKS_68, 2)) for row in rows.tolist()])
    return Annotations(landmarks, annotated(landmarks, hidden_by, normal), hidden_by)


def fit_labels(
    index: FaceIndex, model: MorphableModel, deviations: NDArray[np.float64], seed: int, processes: int = 1
) -> Labels:
    """The labels of all faces of an index: a face model fitted to their annotations.

    Args:
        index: The faces, with their true coefficients and poses.
        model: The face model of both truth and labels.
        deviations: (K + L,) standard deviations of its coefficients.
        seed: Seed of the annotators.
        processes: Number of threads; it does not change the labels.
    """
    chunks = [np.arange(first, min(first + _CHUNK, len(index))) for first in range(0, len(index), _CHUNK)]
    fit = partial(_fit_chunk, index, model, deviations, seed)
    parts: list[Labels] = []
    # threads of the linear algebra would compete with ours, and might add in another order
    with (
        threadpool_limits(1),
        ThreadPoolExecutor(processes) as pool,
        tqdm(total=len(index), desc="Fitting labels", unit="face", leave=False, disable=None) as progress,
    ):
        for part in pool.map(fit, chunks):
            parts.append(part)
            progress.update(len(part.poses))
    return Labels(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in vars(parts[0])})


def _fit_chunk(
    index: FaceIndex, model: MorphableModel, deviations: NDArray[np.float64], seed: int, rows: NDArray[np.intp]
) -> Labels:
    annotations = annotate(index, rows, model, seed)
    noise = NOISE * noise_of_hidden(annotations.hidden_by)
    fits = fit_faces(annotations.placed_px, index.image_sizes[rows, 1], model, deviations, noise)
    return Labels(fits.identity, fits.expression, fits.poses.astype(np.float32))


def _generator(seed: int, key: str) -> np.random.Generator:
    digest = blake2b(key.encode(), digest_size=8).digest()
    return np.random.default_rng([seed, int.from_bytes(digest, "big")])
