"""The Python API: load a trained network once, then call it with images.

from lightning_module.inference.reconstructor import Reconstructor

reconstructor = Reconstructor.load("pretrained")  # or a checkpoint: "mlruns/runs/<run>/best.ckpt"
for face in reconstructor(image):  # (H, W, 3) uint8 RGB
    print(face.landmarks, face.pose, face.confidence)
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from datamodules.errors import DivergedError, InputError
from lightning_module.inference.crop_maps import crop_maps, recropped
from lightning_module.inference.crop_network import MapNetwork, load_network
from lightning_module.inference.detection import DetectedFace, Detector
from lightning_module.inference.detectors import DetectorName, boxed_faces, choose_detector
from lightning_module.inference.face import Face
from lightning_module.inference.face_check import CONFIRMED, FaceCheck
from lightning_module.inference.face_finder import FaceFinder
from lightning_module.inference.network_file import find_network
from lightning_module.pretrained_network import is_pretrained_file

_FACES_AT_ONCE = 8  # batch size of the network, so that a photograph of a crowd fits into memory


class Reconstructor:
    """Reconstructs the faces of images.

    Args:
        network: The network.
        detector: Finds faces if no boxes are given: an object, or a name, which is loaded at its first use.
        passes: 1, or 2 to crop each face again by the landmarks of the first pass, as in training.
        check: Judges faces. Without, the detector's word is taken, and faces have no confidence.
        min_confidence: Confidence in [0, 1] below which a detected face is dropped; those of boxes are kept. Above 0, the
            search is wider, and the network confirms what it finds. With 0, the detector's word is taken.
        of_frames: The network for the frames of videos, if it is another one.

    Attributes:
        min_confidence: Confidence below which a detected face is dropped.
        has_diverged: Whether a map of the network could not be that of a face.

    Raises:
        InputError: If the number of passes is neither 1 nor 2, or the confidence is not in [0, 1].
    """

    def __init__(
        self,
        network: MapNetwork,
        detector: DetectorName | Detector = "auto",
        passes: int = 2,
        check: FaceCheck | None = None,
        min_confidence: float = 0.0,
        of_frames: MapNetwork | None = None,
    ) -> None:
        if passes not in (1, 2):
            raise InputError(f"--passes is {passes}: give 1 or 2.")
        if not 0 <= min_confidence <= 1:  # nor NaN
            raise InputError(f"--min_confidence is {min_confidence:g}: give a number from 0 to 1.")
        self._network = network
        self._detector = detector
        self._passes = passes
        self._check = check
        self.min_confidence = min_confidence
        self._of_frames = of_frames or network
        self.has_diverged = False

    @classmethod
    def load(
        cls,
        path_or_name: Path | str,
        mirror_average: bool | None = None,
        detector: DetectorName = "auto",
        passes: int = 2,
        min_confidence: float | None = None,
        crop_average: bool | None = None,
    ) -> Self:
        """A reconstructor with the network of a checkpoint or of an exported ONNX file.

        Args:
            path_or_name: `pretrained` for the network that comes with the project, a checkpoint, an ONNX file, the folder
                of a run, or the name or key of a run below mlruns/, whose best network is taken.
            mirror_average: Whether to average the maps of each face and its mirror image; by default the setting of
                the checkpoint.
            detector: "face-alignment" finds faces in any pose, and downloads its weights once; "scikit-image"
                downloads nothing; "auto" uses the first if it can be loaded.
            passes: 1, or 2 to crop each face again by the landmarks of the first pass.
            min_confidence: Confidence in [0, 1] below which a detected face is dropped. Above 0, turned and mirrored
                copies and a grid of crops are searched too. With 0, the faces of the detector are kept. By default 0.7
                with the network that comes with the project, to which confidences are fitted, and 0 with others.
            crop_average: Whether to average the maps of each crop as it is, turned by 10 degrees to either side, and 1.12
                times as large and as small; by default that of photographs with the network that comes with the project, and
                the setting of the checkpoint with others.

        Raises:
            InputError: If the network does not exist, or the file is not a network.
        """
        path = find_network(path_or_name)
        is_ours = is_pretrained_file(path)
        if min_confidence is None:
            min_confidence = CONFIRMED if is_ours else 0.0
        averages = True if crop_average is None and is_ours else crop_average
        network = load_network(path, mirror_average, averages)
        single = network.of_single_crops()
        # frames are many, and can be averaged over time
        of_frames = single if crop_average is None and is_ours else network
        return cls(network, detector, passes, FaceCheck(single), min_confidence, of_frames)

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
        """The detected faces of an (H, W, 3) RGB image, from left to right.

        Raises:
            DivergedError: If the network's maps cannot be those of faces.
        """
        detector = self.load_detector()
        if self._check is None or self.min_confidence == 0:
            return detector.detect(image)
        with self._divergence_noted():
            return FaceFinder(detector, self._check, self.min_confidence).find(image)

    def for_frames(self) -> "Reconstructor":
        """The same for the frames of a video: without a second pass, since the frame before tells where faces are."""
        return Reconstructor(self._of_frames, self._detector, 1, self._check, self.min_confidence)

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
            crops = np.stack([detection.crop_for(layout.crop) for detection in batch])
            with self._divergence_noted():
                maps = crop_maps(self._network, image, crops)
                if self._passes == 2:
                    crops, _ = recropped(crops, maps, layout)
                    maps = crop_maps(self._network, image, crops)
                confidences = self._confidences(image, batch, maps, crops)
            faces += [
                Face.of_map(position_map, crop, layout, image, detection, confidence)
                for position_map, crop, detection, confidence in zip(maps, crops, batch, confidences, strict=True)
            ]
        return faces

    def _confidences(
        self,
        image: NDArray[np.uint8],
        detections: Sequence[DetectedFace],
        maps: NDArray[np.float32],
        crops: NDArray[np.float64],
    ) -> list[float | None]:
        """The confidences of a batch; those that the search has judged keep theirs."""
        known = [detection.confidence for detection in detections]
        if self._check is None or None not in known:
            return known
        scores = [detection.score for detection in detections]
        if self._check.network is not self._network:  # whose maps, averaged over crops, confidences are not fitted to
            maps = crop_maps(self._check.network, image, crops)
        judged = self._check.judged(image, maps, crops, scores).confidences.tolist()
        return [new if old is None else old for old, new in zip(known, judged, strict=True)]

    @contextmanager
    def _divergence_noted(self) -> Iterator[None]:
        try:
            yield
        except DivergedError:
            self.has_diverged = True
            raise
