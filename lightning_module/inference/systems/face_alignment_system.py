"""face-alignment as a compared system: S3FD, FAN and its network of depth (Bulat and Tzimiropoulos, 2017)."""

import warnings

import numpy as np
from numpy.typing import NDArray

from lightning_module.inference.face_alignment_detector import load_face_alignment, searchable
from lightning_module.inference.systems.compared_system import SystemFace


class FaceAlignmentSystem:
    """Predicts the 68 landmarks in x, y and z.

    Raises:
        InputError: If its weights cannot be loaded; the message names the files to download.
    """

    def __init__(self) -> None:
        self._network = load_face_alignment(has_depth=True)

    def faces(self, image: NDArray[np.uint8]) -> list[SystemFace]:
        """The faces that S3FD finds in an (H, W, 3) RGB image."""
        small, scale = searchable(image)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of photographs without a face
            landmarks, _, boxes = self._network.get_landmarks_from_image(small, return_bboxes=True)
        if landmarks is None:
            return []
        found = [np.asarray(box[:4], np.float64) / scale for box in boxes]
        if scale < 1:  # the whole pixels of the small image are coarse
            return [SystemFace(box, self.landmarks_in(image, box)) for box in found]
        return [SystemFace(box, np.asarray(points, np.float64)) for box, points in zip(found, landmarks, strict=True)]

    def landmarks_in(self, image: NDArray[np.uint8], box_px: NDArray[np.float64]) -> NDArray[np.float64]:
        """(68, 3) landmarks of the face in a (4,) box of left, top, right and bottom."""
        (landmarks,) = self._network.get_landmarks_from_image(image, detected_faces=[box_px])
        return np.asarray(landmarks, np.float64)
