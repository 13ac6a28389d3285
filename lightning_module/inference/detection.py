"""Detected faces, and the interface of detectors."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from datamodules.geometry.crop import NetworkCrop

_LEAST_PX = 8  # side of a face's box
_LARGEST = 2.0  # side of a face's box, in sides of the photograph


@dataclass(frozen=True, eq=False)
class DetectedFace:
    """The location of a face in a photograph.

    Attributes:
        box_px: (4,) x1, y1, x2, y2 from the detector or the user.
        crop: (3,) x and y of the centre and side of the plain crop, whose margin is `CROP_MARGIN`.
        detector: Name of the detector, or "boxes".
        score: The detector's own probability of a face, or None if it gives none.
        confidence: Confidence in [0, 1] that it is a face, or None if it has not been judged.
        has_box_only: Whether the crop is estimated from the detector's box, without landmarks.
    """

    box_px: NDArray[np.float64]
    crop: NDArray[np.float64]
    detector: str
    score: float | None = None
    confidence: float | None = None
    has_box_only: bool = False

    def crop_for(self, crop: NetworkCrop) -> NDArray[np.float64]:
        """(3,) the crop of the face for a network."""
        of_detector = crop.of_detector(self.box_px) if self.has_box_only else None
        return crop.of_plain(self.crop) if of_detector is None else of_detector

    def fits(self, image: NDArray[np.uint8]) -> bool:
        """Whether the box can be a face of an (H, W, 3) image: it overlaps the image, and its size is plausible."""
        (left, top, right, bottom), (height, width) = self.box_px, image.shape[:2]
        sides = right - left, bottom - top
        meets = left < width and top < height and right > 0 and bottom > 0
        return bool(meets and min(sides) >= _LEAST_PX and max(sides) <= _LARGEST * max(width, height))

    def misfit(self, image: NDArray[np.uint8]) -> str:
        """Describes a box that does not fit an (H, W, 3) image."""
        box = ", ".join(f"{number:g}" for number in self.box_px)
        return f"the box {box} is no face of {image.shape[1]} x {image.shape[0]} pixels"


class Detector(Protocol):
    """Finds faces."""

    def detect(self, image: NDArray[np.uint8]) -> list[DetectedFace]:
        """The faces of an (H, W, 3) RGB image, from left to right."""
        ...


@runtime_checkable
class CandidateDetector(Detector, Protocol):
    """Also names places that may show faces, most of which do not, for a network to confirm."""

    def candidates(self, image: NDArray[np.uint8]) -> list[DetectedFace]:
        """The candidates of an (H, W, 3) RGB image, the likeliest first."""
        ...
