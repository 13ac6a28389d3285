"""The true landmarks that other systems are compared with: from two files, or from the samples of a test set."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from datamodules.errors import InputError
from datamodules.files.dataset_card import DatasetCard
from datamodules.files.landmark_arrays import read_landmarks, read_yaw
from datamodules.landmark_test_data import LandmarkTestSet
from lightning_module.evaluation.landmark_sets import LandmarkSet, YawUnit, in_degrees

FirstPixel = Literal[0, 1]

# Of test.configs of 3DDFA: a copy of `pt3d_68`, which counts from 1; the re-annotation beside it counts from 0.
_COUNTED_FROM_1 = "AFLW2000-3D.pts68"


@dataclass(frozen=True, eq=False)
class TrueLandmarks:
    """True landmarks of many faces.

    Attributes:
        landmarks: The landmarks, and the name of their file or folder.
        yaw_deg: (N,) yaw of the heads.
        keys: Paths of the photographs without endings; None if they are not known.
        first_pixel: Coordinate of the first pixel.
        origin: How it is known, in words.
        card: Name of the data set.
        fingerprint: Fingerprint of the data set, or empty.
    """

    landmarks: LandmarkSet
    yaw_deg: NDArray[np.float64]
    keys: list[str] | None
    first_pixel: FirstPixel
    origin: str
    card: DatasetCard
    fingerprint: str = ""


def of_files(
    landmarks: Path | None, yaw: Path | None, unit: YawUnit | None, first_pixel: FirstPixel | None
) -> TrueLandmarks:
    """The truth in a file of landmarks and one of yaws.

    Raises:
        InputError: If one is missing, or cannot be read.
    """
    if landmarks is None or yaw is None:
        option = "--landmarks" if landmarks is None else "--yaw"
        raise InputError(f"{option} is not set: give both --landmarks and --yaw, or --data.test.root.")
    pixel, origin = _counted(landmarks, first_pixel)
    points = LandmarkSet(read_landmarks(landmarks), str(landmarks))
    degrees = in_degrees(read_yaw(yaw), unit, str(yaw))
    return TrueLandmarks(points, degrees, None, pixel, origin, DatasetCard(landmarks.stem))


def of_test_set(faces: LandmarkTestSet) -> TrueLandmarks:
    """The truth in the samples of a test set."""
    points = LandmarkSet(faces.landmarks_px, str(faces.index.root))
    origin = "counted from 0, as all samples are read"
    return TrueLandmarks(points, faces.yaw_deg, faces.keys, 0, origin, faces.card, faces.index.fingerprint)


def _counted(path: Path, first_pixel: FirstPixel | None) -> tuple[FirstPixel, str]:
    """Coordinate of the first pixel in a file, and how it is known."""
    if first_pixel is not None:
        return first_pixel, f"counted from {first_pixel} (--landmarks_first_pixel)"
    if path.stem == _COUNTED_FROM_1:
        return 1, "counted from 1, as 3DDFA's file of this name"
    return 0, "counted from 0 (assumed; see --landmarks_first_pixel)"
