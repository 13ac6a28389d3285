"""A detector of faces and landmarks by face-alignment: S3FD and FAN (Bulat and Tzimiropoulos, 2017)."""

import os
import pickle
import warnings
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from datamodules.errors import InputError
from datamodules.geometry.crop import crop_boxes
from lightning_module.inference.detection import DetectedFace

_MOST_PIXELS = 1024  # of the longer side; time and memory of S3FD grow with the area
_LEAST_PIXELS = 32  # of a side; S3FD halves its input five times, and fails below
_ONLY_WEIGHTS = "TORCH_FORCE_WEIGHTS_ONLY_LOAD"  # makes torch load tensors only, no code


class AlignmentDetector:
    """Finds faces in any pose, on the GPU where there is one.

    Raises:
        InputError: If its weights cannot be loaded; the message names the files to download.
    """

    def __init__(self) -> None:
        self._network = load_face_alignment()

    def detect(self, image: NDArray[np.uint8]) -> list[DetectedFace]:
        """The faces of an (H, W, 3) RGB image, from left to right."""
        small, scale = searchable(image)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of photographs without a face
            landmarks, _, boxes = self._network.get_landmarks_from_image(small, return_bboxes=True)
        if landmarks is None:
            return []
        crops = crop_boxes(np.stack(landmarks)) / scale
        corners = np.stack([box[:4] for box in boxes]) / scale
        scores = [float(box[4]) for box in boxes]
        faces = [
            DetectedFace(box, crop, "face-alignment", score)
            for box, crop, score in zip(corners, crops, scores, strict=True)
            if crop[2] > 0
        ]
        return sorted(faces, key=lambda face: float(face.box_px[0]))


def load_face_alignment(has_depth: bool = False) -> Any:
    """The library's FaceAlignment, on the GPU where there is one.

    Its landmarks lie on the surface, as in position maps, not on the visible contour.

    Args:
        has_depth: Whether they have z too, from a further network.

    Raises:
        InputError: If its weights cannot be loaded; the message names the files to download.
    """
    import face_alignment

    kind = face_alignment.LandmarksType.THREE_D if has_depth else face_alignment.LandmarksType.TWO_HALF_D
    forced = os.environ.get(_ONLY_WEIGHTS)
    os.environ[_ONLY_WEIGHTS] = "1"
    try:
        # compiling takes minutes
        return face_alignment.FaceAlignment(kind, device="cuda" if torch.cuda.is_available() else "cpu", compile=False)
    except (OSError, RuntimeError, pickle.UnpicklingError, EOFError) as error:
        raise InputError(
            f"face-alignment's weights cannot be loaded ({error}). {_remedy(has_depth)}".replace("\n", " ")
        ) from error
    finally:
        os.environ.pop(_ONLY_WEIGHTS) if forced is None else os.environ.update({_ONLY_WEIGHTS: forced})


def searchable(image: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], float]:
    """An (H, W, 3) image of a size that the library's detector can search, and its scale."""
    scale = min(1.0, _MOST_PIXELS / max(image.shape[:2]))
    small = image if scale == 1 else cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    # thumbnails, and scaled panoramas
    lacking = [(0, max(0, _LEAST_PIXELS - side)) for side in small.shape[:2]]
    return np.pad(small, [*lacking, (0, 0)], mode="edge"), scale


def has_weights() -> bool:
    """Whether the weights are on this machine, so that nothing is downloaded."""
    return all((_folder() / PurePosixPath(urlsplit(address).path).name).is_file() for address in _addresses())


def _addresses(has_depth: bool = False) -> list[str]:
    from face_alignment.api import models_urls
    from face_alignment.detection.sfd.sfd_detector import models_urls as detector_urls

    return [detector_urls["s3fd"], models_urls["3DFAN-4"], *([models_urls["depth"]] if has_depth else [])]


def _folder() -> Path:
    return Path(torch.hub.get_dir()) / "checkpoints"


def _remedy(has_depth: bool) -> str:
    return f"Download {' and '.join(_addresses(has_depth))} into {_folder()}."
