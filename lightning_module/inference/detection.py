"""Where the faces of a photograph are, and which detectors look for them."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

_LEAST_PX = 8  # side of a face's box
_LARGEST = 2.0  # side of a face's box, in sides of the photograph


@dataclass(frozen=True, eq=False)
class DetectedFace:
    """Where a face of a photograph is.

    Attributes:
        box_px: (4,) x1, y1, x2, y2 as the detector or the user gives it.
        crop: (3,) x and y of the centre, side: the square that the network should see, as in training.
        detector: Name of the detector, or "boxes".
    """

    box_px: NDArray[np.float64]
    crop: NDArray[np.float64]
    detector: str

    def fits(self, image: NDArray[np.uint8]) -> bool:
        """Whether the box can be a face of an (H, W, 3) image: it meets the image, and is neither tiny nor huge."""
        (left, top, right, bottom), (height, width) = self.box_px, image.shape[:2]
        sides = right - left, bottom - top
        meets = left < width and top < height and right > 0 and bottom > 0
        return bool(meets and min(sides) >= _LEAST_PX and max(sides) <= _LARGEST * max(width, height))

    def misfit(self, image: NDArray[np.uint8]) -> str:
        """What is wrong with a box that does not fit an (H, W, 3) image."""
        box = ", ".join(f"{number:g}" for number in self.box_px)
        return f"the box {box} is no face of {image.shape[1]} x {image.shape[0]} pixels"


class Detector(Protocol):
    """Finds faces."""

    def detect(self, image: NDArray[np.uint8]) -> list[DetectedFace]:
        """The faces of an (H, W, 3) RGB image, from left to right."""
        ...
