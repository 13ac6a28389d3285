"""Finds the faces of a photograph: candidates of a detector, each of which the network must confirm."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lightning_module.inference.crop_maps import crop_maps, recropped
from lightning_module.inference.detection import CandidateDetector, DetectedFace, Detector
from lightning_module.inference.face_check import FaceCheck, Judged
from lightning_module.inference.overlapping_boxes import distinct_faces, face_boxes

_CROPS_AT_ONCE = 16  # batch size of the network
_PASSES = 2  # crops about the landmarks of the crop before, until they stay
_MOST_SETTLED = 24  # candidates of a search; the others have fewer votes, or are less likely after the first pass
_CHECKED_AT_ONCE = (
    8  # of those that the classifier likes best, since each costs two passes per probe; more if one is a face
)
_UNDECIDED = 0.3, 0.9  # confidences between which a crop is looked at again, about where other crops agree
_LEAST_LIKELY = -1.0  # log odds of the classifier below which the passes of the probes are saved
# The grid: sides relative to the shorter side of the photograph. Two passes are taken to mend
# a crop that is off by a sixth of its side and a fifth of its size, half of a step of the grid.
_GRID_SIDES = (1.0, 0.67, 0.45, 0.3)
_GRID_STEP = 1 / 3
_MOST_CROPS = 300  # of a grid, so that panoramas take no longer; the smallest are left out
_GRID_NAME = "network"
_GRID_SCORE = 0.25  # assumed share of faces among the crops of a grid that the network settles on


class FaceFinder:
    """Finds faces with a detector and a network.

    Args:
        detector: Finds candidates.
        check: Confirms them by its network, which also looks where the detector finds nothing.
        min_confidence: Confidence in [0, 1] below which a candidate is dropped.
    """

    def __init__(self, detector: Detector, check: FaceCheck, min_confidence: float) -> None:
        self._detector = detector
        self._network = check.network
        self._check = check
        self._least = min_confidence

    def find(self, image: NDArray[np.uint8]) -> list[DetectedFace]:
        """The faces of an (H, W, 3) RGB image, from left to right.

        Raises:
            DivergedError: If the network's maps cannot be those of faces.
        """
        if isinstance(self._detector, CandidateDetector):
            found = self._confirmed(image, self._detector.candidates(image)[:_MOST_SETTLED])
            found = _distinct(found + self._confirmed(image, _grid(image, found)))
        else:
            found = self._confirmed(image, self._detector.detect(image), is_search=False)
        return sorted(found, key=lambda face: float(face.box_px[0]))

    def _confirmed(
        self, image: NDArray[np.uint8], candidates: list[DetectedFace], is_search: bool = True
    ) -> list[DetectedFace]:
        """The candidates that are faces, with their confidences and crops; of a search, no more than is worth while."""
        candidates = [face for face in candidates if face.fits(image)]
        if not candidates:
            return []
        frame = self._network.layout.crop
        crops = np.stack([face.crop_for(frame) for face in candidates])
        if is_search and len(crops) > _MOST_SETTLED:
            crops, likely = self._passed(image, crops)
            order = np.argsort(-likely, kind="stable")[:_MOST_SETTLED]
            crops, candidates = crops[order], [candidates[place] for place in order]
        settled, maps, is_kept = self._settled(image, crops)
        likely = self._check.classified(image, maps, settled)
        likely[~is_kept] = -np.inf
        places = distinct_faces(frame.to_plain(settled), likely)
        if is_search:
            places = [place for place in places if likely[place] >= _LEAST_LIKELY]
        found: list[DetectedFace] = []
        for first in range(0, len(places), _CHECKED_AT_ONCE):
            some = places[first : first + _CHECKED_AT_ONCE]
            of_detector = [candidates[place] for place in some]
            sure = self._sure(image, maps[some], settled[some], of_detector)
            if is_search and not sure:
                break
            found += sure
        return _distinct(found)

    def _sure(
        self,
        image: NDArray[np.uint8],
        maps: NDArray[np.float32],
        crops: NDArray[np.float64],
        candidates: list[DetectedFace],
    ) -> list[DetectedFace]:
        """Those of the candidates that are faces."""
        confidences, crops = self._judged(image, maps, crops, [face.score for face in candidates])
        plain = self._network.layout.crop.to_plain(crops)
        faces = [
            replace(face, box_px=box, crop=crop, confidence=sure, has_box_only=False)
            for face, box, crop, sure in zip(candidates, face_boxes(plain), plain, confidences.tolist(), strict=True)
            if sure >= self._least
        ]
        return [face for face in faces if face.fits(image)]

    def _judged(
        self,
        image: NDArray[np.uint8],
        maps: NDArray[np.float32],
        crops: NDArray[np.float64],
        scores: list[float | None],
    ) -> Judged:
        """Confidences and closer crops; of undecided ones, after a second look about the place that other crops agree on."""
        confidences, closer = (each.copy() for each in self._check.judged(image, maps, crops, scores))
        undecided = np.flatnonzero((confidences >= _UNDECIDED[0]) & (confidences < _UNDECIDED[1]))
        if len(undecided):
            again = closer[undecided]
            maps = crop_maps(self._network, image, again)
            looked = self._check.judged(image, maps, again, [scores[place] for place in undecided])
            confidences[undecided], closer[undecided] = looked
        return Judged(confidences, closer)

    def _passed(
        self, image: NDArray[np.uint8], crops: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(N, 3) crops after one pass, and (N,) log odds of the classifier, which are -inf where a pass went astray."""
        parts = []
        for first in range(0, len(crops), _CROPS_AT_ONCE):
            some = crops[first : first + _CROPS_AT_ONCE]
            maps = crop_maps(self._network, image, some)
            after, is_near = recropped(some, maps, self._network.layout)
            parts.append((after, np.where(is_near, self._check.classified(image, maps, some), -np.inf)))
        settling, odds = (np.concatenate(each) for each in zip(*parts, strict=True))
        return settling, odds

    def _settled(
        self, image: NDArray[np.uint8], crops: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float32], NDArray[np.bool_]]:
        """(N, 3) crops after the passes, their maps, and (N,) whether each pass stayed near the one before."""
        parts = []
        for first in range(0, len(crops), _CROPS_AT_ONCE):
            some = crops[first : first + _CROPS_AT_ONCE]
            is_kept = np.ones(len(some), bool)
            for _ in range(_PASSES):
                some, is_near = recropped(some, crop_maps(self._network, image, some), self._network.layout)
                is_kept &= is_near
            parts.append((some, crop_maps(self._network, image, some), is_kept))
        settled, maps, kept = (np.concatenate(each) for each in zip(*parts, strict=True))
        return settled, maps, kept


def _grid(image: NDArray[np.uint8], found: list[DetectedFace]) -> list[DetectedFace]:
    """Crops of several sizes all over an image, except for those whose centre lies in a face that has been found."""
    height, width = image.shape[:2]
    crops = []
    for side in np.array(_GRID_SIDES) * min(height, width):
        across, down = (
            np.linspace(0, length, max(2, round(length / (side * _GRID_STEP))) + 1)[1:-1] for length in (width, height)
        )
        crops += [(x, y, side) for y in down for x in across]
    free = [
        crop
        for crop in np.array(crops[:_MOST_CROPS])
        if not any((face.box_px[:2] <= crop[:2]).all() and (crop[:2] <= face.box_px[2:]).all() for face in found)
    ]
    return [DetectedFace(face_boxes(crop[None])[0], crop, _GRID_NAME, _GRID_SCORE) for crop in free]


def _distinct(faces: list[DetectedFace]) -> list[DetectedFace]:
    if not faces:
        return []
    kept = distinct_faces(np.stack([face.crop for face in faces]), np.array([face.confidence for face in faces]))
    return [faces[place] for place in kept]
