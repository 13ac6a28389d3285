"""Chooses how faces are found: by face-alignment, by scikit-image, or by boxes from the user."""

import logging
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from datamodules.errors import InputError
from datamodules.geometry.crop import crop_boxes
from lightning_module.inference.detection import DetectedFace, Detector

_log = logging.getLogger(__name__)

DetectorName = Literal["auto", "face-alignment", "scikit-image"]


def choose_detector(name: DetectorName = "auto") -> Detector:
    """The detector of a name; "auto" is face-alignment, and scikit-image where its weights cannot be loaded.

    Raises:
        InputError: If face-alignment is asked for by name and its weights cannot be loaded.
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
                "%s\nUsing scikit-image's detector instead, which misses more faces in profile. "
                "--detector scikit-image chooses it without an attempt to download; boxes can be given as well.",
                error,
            )
    from lightning_module.inference.cascade_detector import CascadeDetector

    return CascadeDetector()


def boxed_faces(boxes_px: NDArray[np.floating]) -> list[DetectedFace]:
    """The faces of (N, 4) boxes x1, y1, x2, y2, which are tight about brows, chin and jaw like those of landmarks."""
    boxes = np.asarray(boxes_px, np.float64)
    crops = crop_boxes(boxes.reshape(-1, 2, 2))
    return [DetectedFace(box, crop, "boxes") for box, crop in zip(boxes, crops, strict=True)]
