"""Where the faces of a photograph are."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class FoundFace:
    """A face in a photograph.

    Attributes:
        box_px: (4,) x1, y1, x2, y2 as the detector or the user gives it.
        crop: (3,) x and y of the centre, side: the square that the network should see, as in training.
        source: Who found it.
    """

    box_px: NDArray[np.float64]
    crop: NDArray[np.float64]
    source: str


class Detector(Protocol):
    """Finds faces."""

    def detect(self, image: NDArray[np.uint8]) -> list[FoundFace]:
        """The faces of an (H, W, 3) RGB image, from left to right."""
        ...
