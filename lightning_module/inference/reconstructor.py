"""The Python API: load a trained network once, then call it with images.

from lightning_module.inference.reconstructor import Reconstructor

reconstructor = Reconstructor.load("pretrained")  # or a checkpoint: "mlruns/runs/<run>/best.ckpt"
for face in reconstructor(image):  # (H, W, 3) uint8 RGB
    print(face.landmarks, face.pose)
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from datamodules.errors import DivergedError, InputError
from datamodules.files.images import warp_image
from datamodules.geometry.crop import crop_boxes, crop_matrix, image_matrix, uncrop_points
from datamodules.geometry.landmarks import LANDMARKS_68
from lightning_module.inference.crop_network import MapNetwork, load_network
from lightning_module.inference.detection import DetectedFace, Detector
from lightning_module.inference.detectors import DetectorName, boxed_faces, choose_detector
from lightning_module.inference.face import Face
from lightning_module.inference.map_check import require_plausible_maps
from lightning_module.inference.network_file import find_network

_FACES_AT_ONCE = 8  # batch size of the network, so that a photograph of a crowd fits into memory
_MOST_SHIFT = 0.5  # largest shift of the crop in the second pass, in sides of the crop
_MOST_CHANGE = 2.0  # largest factor of the crop's side in the second pass


class Reconstructor:
    """Reconstructs the faces of images.

    Args:
        network: The network.
        detector: Finds faces if no boxes are given: an object, or a name, which is loaded at its first use.
        passes: 1, or 2 to crop each face again by the landmarks of the first pass, as in training.

    Attributes:
        has_diverged: Whether a map of the network could not be that of a face.

    Raises:
        InputError: If the number of passes is neither 1 nor 2.
    """

    def __init__(self, network: MapNetwork, detector: DetectorName | Detector = "auto", passes: int = 2) -> None:
        if passes not in (1, 2):
            raise InputError(f"--passes is {passes}: give 1 or 2.")
        self._network = network
        self._detector = detector
        self._passes = passes
        self.has_diverged = False

    @classmethod
    def load(
        cls,
        path_or_name: Path | str,
        mirror_average: bool | None = None,
        detector: DetectorName = "auto",
        passes: int = 2,
    ) -> Self:
        """A reconstructor with the network of a checkpoint or of an exported ONNX file.

        Args:
            path_or_name: `pretrained` for the network that comes with the project, a checkpoint, an ONNX file, the folder
                of a run, or the name or key of a run below mlruns/, whose best network is taken.
            mirror_average: Whether to average the maps of each face and its mirror image; by default the setting of
                the checkpoint.
            detector: "face-alignment" finds faces in any pose, and downloads its weights once; "scikit-image" finds
                faces that look at the camera, and downloads nothing; "auto" uses the first if it can be loaded.
            passes: 1, or 2 to crop each face again by the landmarks of the first pass.

        Raises:
            InputError: If the network does not exist, or the file is not a network.
        """
        return cls(load_network(find_network(path_or_name), mirror_average), detector, passes)

    def __call__(self, image: NDArray[np.uint8], boxes: NDArray[np.floating] | None = None) -> list[Face]:
        """The faces of an image, in the order of the boxes, or from left to right as they are detected.

        Args:
            image: (H, W, 3) RGB.
            boxes: (N, 4) x1, y1, x2, y2 in 0-based pixels, tight about brows, chin and jaw; None to detect faces.

        Raises:
            InputError: If the image or the boxes have another shape, or a box does not fit the image.
        """
        if not isinstance(image, np.ndarray):
            raise InputError(f"the image is {type(image).__name__}: give an array, (H, W, 3) uint8 RGB.")
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise InputError(f"the image is {image.dtype} of shape {image.shape}: give (H, W, 3) uint8 RGB.")
        if boxes is None:
            return self.reconstruct(image, [face for face in self.detect(image) if face.fits(image)])
        try:
            boxes = np.asarray(boxes, np.float64)
        except (TypeError, ValueError) as error:
            raise InputError(f"the boxes are no array of numbers ({error}): give (N, 4), x1, y1, x2, y2.") from error
        if not boxes.size:
            return []
        if boxes.ndim != 2 or boxes.shape[1] != 4:
            raise InputError(f"the boxes have shape {boxes.shape}: give (N, 4) numbers x1, y1, x2, y2.")
        faces = boxed_faces(boxes)
        for face in faces:
            if not face.fits(image):
                raise InputError(f"{face.misfit(image)}: give x1, y1, x2, y2 within the image.")
        return self.reconstruct(image, faces)

    def detect(self, image: NDArray[np.uint8]) -> list[DetectedFace]:
        """The detected faces of an (H, W, 3) RGB image, from left to right."""
        return self.load_detector().detect(image)

    def load_detector(self) -> Detector:
        """The detector, which is loaded at its first use.

        Raises:
            InputError: If its weights cannot be loaded.
        """
        if isinstance(self._detector, str):
            self._detector = choose_detector(self._detector)
        return self._detector

    def reconstruct(self, image: NDArray[np.uint8], detections: Sequence[DetectedFace]) -> list[Face]:
        """Reconstructs detected faces of an (H, W, 3) RGB image.

        Raises:
            DivergedError: If the network's maps cannot be those of faces.
        """
        layout = self._network.layout
        faces: list[Face] = []
        for first in range(0, len(detections), _FACES_AT_ONCE):
            batch = detections[first : first + _FACES_AT_ONCE]
            crops = np.stack([detection.crop for detection in batch])
            maps = self._maps(image, crops)
            if self._passes == 2:
                crops = _recropped(crops, maps, layout.landmark_texels)
                maps = self._maps(image, crops)
            faces += [
                Face.of_map(position_map, crop, layout, image, detection)
                for position_map, crop, detection in zip(maps, crops, batch, strict=True)
            ]
        return faces

    def _maps(self, image: NDArray[np.uint8], crops: NDArray[np.float64]) -> NDArray[np.float32]:
        size = self._network.image_size
        maps = self._network.maps(
            np.stack([warp_image(image, image_matrix(crop_matrix(crop), size), size) for crop in crops])
        )
        try:
            require_plausible_maps(maps)
        except DivergedError:
            self.has_diverged = True
            raise
        return maps


def _recropped(
    crops: NDArray[np.float64], maps: NDArray[np.float32], landmark_texels: NDArray[np.int64]
) -> NDArray[np.float64]:
    """(N, 3) crops about the predicted landmarks, as in training; implausible ones are replaced by the old crops."""
    row, col = landmark_texels[:LANDMARKS_68].T
    landmarks = [uncrop_points(map_[row, col], crop_matrix(crop)) for map_, crop in zip(maps, crops, strict=True)]
    again = crop_boxes(np.stack(landmarks))
    change = again[:, 2] / crops[:, 2]
    shift = np.linalg.norm(again[:, :2] - crops[:, :2], axis=1) / crops[:, 2]
    is_kept = (change <= _MOST_CHANGE) & (change >= 1 / _MOST_CHANGE) & (shift <= _MOST_SHIFT)  # False for NaN
    return np.where(is_kept[:, None], again, crops)
