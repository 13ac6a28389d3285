"""The predicted landmarks of another system, in the order and the pixels of the true ones."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from datamodules.files.format_recognition import FoundLandmarks, find_landmarks
from datamodules.files.landmark_formats import FormatAids
from datamodules.geometry.landmarks import LANDMARKS_68
from lightning_module.evaluation.landmark_sets import LandmarkSet
from lightning_module.inference.systems.nearest_face import landmark_box, nearest_face
from lightning_module.inference.systems.true_landmarks import FirstPixel, TrueLandmarks


@dataclass(frozen=True, eq=False)
class PredictedLandmarks:
    """Predictions of a system.

    Attributes:
        landmarks: The landmarks, in the pixels of the true ones.
        notes: What was recognised, assumed and chosen, one line each.
        tags: Tags of the run.
    """

    landmarks: LandmarkSet
    notes: list[str]
    tags: dict[str, str]


def read_predictions(
    path: Path, truth: TrueLandmarks, format_name: str, first_pixel: FirstPixel | None, aids: FormatAids
) -> PredictedLandmarks:
    """The landmarks that a system has written.

    Of several faces in a photograph, the one counts whose box overlaps that of the true landmarks most.

    Args:
        path: File or folder of the landmarks.
        truth: The true landmarks.
        format_name: Name of the format; "auto" recognises it.
        first_pixel: Coordinate of the first pixel; None for that of the format.
        aids: What the landmarks of some formats cannot be read without.

    Raises:
        InputError: If the landmarks cannot be read.
    """
    found = find_landmarks(path, truth.keys, aids, format_name)
    counted = found.format.first_pixel if first_pixel is None else first_pixel
    points = _nearest(found, truth)
    if counted is not None and counted != truth.first_pixel:
        points[..., :2] += truth.first_pixel - counted
    verb = "recognised as" if found.is_recognised else "read as"
    origin = found.format.origin if first_pixel is None else f"counted from {first_pixel} (--predictions_first_pixel)"
    notes = [f"{path}: {verb} {found.format.name}, {found.format.description}: {found.shape}; {origin}."]
    if counted is not None:
        notes.append(f"{truth.landmarks.name}: true landmarks {truth.origin}.")
    if crowded := sum(len(faces) > 1 for faces in found.by_photograph):
        notes.append(crowded_note(crowded, len(points)))
    tags = {"predictions": str(path), "predictions_format": found.format.name}
    return PredictedLandmarks(LandmarkSet(points, str(path)), notes, tags)


def crowded_note(crowded: int, photographs: int) -> str:
    """Says how many photographs have several predicted faces, and which of them counts."""
    return (
        f"{crowded} of {photographs} photographs have several faces: the one counts whose box overlaps that of the true "
        "landmarks most."
    )


def _nearest(found: FoundLandmarks, truth: TrueLandmarks) -> NDArray[np.float64]:
    """(N, L, 2 or 3) landmarks of the faces that are meant."""
    true_boxes = landmark_box(truth.landmarks.points[:, :LANDMARKS_68])
    points = []
    for number, faces in enumerate(found.by_photograph):
        place = 0
        if len(faces) > 1 and number < len(true_boxes):
            # where no face overlaps the true one, the first is as wrong as the others
            place = nearest_face(landmark_box(faces[:, :LANDMARKS_68]), true_boxes[number]) or 0
        points.append(faces[place])
    return np.stack(points)
