"""Who looks for the faces: the user, face-alignment, or scikit-image."""

import logging
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from datamodules.errors import InputError
from datamodules.files.boxes import FaceBoxes
from datamodules.geometry.crop import crop_boxes
from lightning_module.inference.detection import Detector, FoundFace

_log = logging.getLogger(__name__)

DetectorName = Literal["auto", "face-alignment", "scikit-image"]


def choose_detector(name: DetectorName = "auto") -> Detector:
    """The one asked for; "auto" is face-alignment, and scikit-image where its weights cannot be loaded.

    Raises:
        InputError: If face-alignment is asked for by name and cannot be had.
    """
    # both take seconds to import
    if name != "scikit-image":
        from lightning_module.inference.face_alignment_detector import AlignmentDetector

        try:
            return AlignmentDetector()
        except InputError as error:
            if name != "auto":
                raise
            _log.warning(
                "%s\nGoing on with scikit-image's detector, which finds faces that look at the camera only; "
                "or give --data.boxes.",
                error,
            )
    from lightning_module.inference.cascade_detector import CascadeDetector

    return CascadeDetector()


def faces_of_boxes(boxes: FaceBoxes, photo: Path) -> list[FoundFace]:
    """The faces that a user has marked: boxes as tight as those of the 68 landmarks."""
    return [FoundFace(box, box_crop(box), "boxes") for box in boxes.of(photo)]


def box_crop(box: NDArray[np.float64]) -> NDArray[np.float64]:
    """(3,) x and y of the centre, side of the crop of a face whose landmarks lie in a box of (4,) x1, y1, x2, y2."""
    return np.asarray(crop_boxes(box.reshape(1, 2, 2))[0])
