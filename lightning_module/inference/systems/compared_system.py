"""Runs another system over the photographs of a test set."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from datamodules.errors import InputError, described
from datamodules.landmark_test_data import LandmarkTestSet
from lightning_module.inference.systems.nearest_face import landmark_box, nearest_face

SystemName = Literal["face-alignment"]
SystemBoxes = Literal["detector", "truth"]


class SystemFace(NamedTuple):
    """A face that a system has found: its box (4,) left, top, right, bottom, and (68, 2 or 3) landmarks, in pixels."""

    box_px: NDArray[np.float64]
    landmarks_px: NDArray[np.float64]


class ComparedSystem(Protocol):
    """A system that finds faces and predicts their landmarks, in 0-based pixels with y downwards."""

    def faces(self, image: NDArray[np.uint8]) -> list[SystemFace]:
        """The faces of an (H, W, 3) RGB image."""
        ...

    def landmarks_in(self, image: NDArray[np.uint8], box_px: NDArray[np.float64]) -> NDArray[np.float64]:
        """(68, 2 or 3) landmarks of the face in a (4,) box, which is tight about the landmarks."""
        ...


@dataclass(frozen=True, eq=False)
class SystemRun:
    """What a system has predicted.

    Attributes:
        landmarks_px: (N, 68, 2 or 3) in 0-based pixels.
        missed: Photographs in which it did not find the face.
        crowded: Number of photographs in which it found several faces.
    """

    landmarks_px: NDArray[np.float64]
    missed: list[str] = field(default_factory=list)
    crowded: int = 0


def load_system(name: SystemName) -> ComparedSystem:
    """The system of a name.

    Raises:
        InputError: If it cannot be run on this machine.
    """
    return _SYSTEMS[name]()


def run_system(system: ComparedSystem, name: str, faces: LandmarkTestSet, boxes: SystemBoxes) -> SystemRun:
    """Predicts the landmarks of all faces of a test set.

    Of several faces in a photograph, the one counts whose box overlaps that of the true landmarks most. Where the system
    finds none that overlaps it, it predicts in the box of the true landmarks, so that all systems are compared on the same
    faces.

    Args:
        system: The system.
        name: Its name, for messages.
        faces: The test set.
        boxes: Whether the system finds the faces, or is given the boxes of the true landmarks.

    Raises:
        InputError: If a photograph cannot be read, or the system fails on it.
    """
    landmarks: list[NDArray[np.float64]] = []
    missed: list[str] = []
    crowded = 0
    progress = tqdm(zip(faces.keys, faces.landmarks_px, strict=True), name, len(faces.rows), unit="face", disable=None)
    for number, (key, true_px) in enumerate(progress):
        image, box = faces.image(number), landmark_box(true_px)
        try:
            found = system.faces(image) if boxes == "detector" else []
            nearest = nearest_face(np.array([face.box_px for face in found]), box)
            landmarks.append(system.landmarks_in(image, box) if nearest is None else found[nearest].landmarks_px)
        # what a system raises depends on the photograph
        except Exception as error:
            raise InputError(f"{key}: {name} fails on this photograph ({described(error)}). Leave it out.") from error
        missed += [key] if nearest is None and boxes == "detector" else []
        crowded += len(found) > 1
    return SystemRun(np.stack(landmarks), missed, crowded)


def _face_alignment() -> ComparedSystem:
    from lightning_module.inference.systems.face_alignment_system import FaceAlignmentSystem

    return FaceAlignmentSystem()


_SYSTEMS: dict[SystemName, Callable[[], ComparedSystem]] = {"face-alignment": _face_alignment}
