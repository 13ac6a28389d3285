"""Follows faces from frame to frame: the crop of a face is that of its landmarks in the frame before."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from datamodules.geometry.crop import crop_boxes
from lightning_module.inference.detection import DetectedFace
from lightning_module.inference.face import Face
from lightning_module.inference.overlapping_boxes import distinct_faces, overlaps
from lightning_module.inference.video.video_frames import Frame

_TRACKED = "tracking"  # named as the detector of a face that was followed
_SAME = 0.3  # intersection over union of two boxes above which they are the same face
_NEWCOMERS_S = 1.0  # between searches for further faces while some are followed
_WAITS_S = (0.1, 1.0)  # between searches for a face that was lost just now, and at most, for none at all
_LEAST = 0.1  # confidence below which a face is lost in any case
_FOLLOWED = 0.5  # of the confidence that a new face needs, so that a face that turns away is not lost at once
_REMEMBERED_S = 1.0  # for which a lost face gets its number again where it was

Find = Callable[[NDArray[np.uint8]], list[DetectedFace]]
Reconstruct = Callable[[NDArray[np.uint8], Sequence[DetectedFace]], list[Face]]


@dataclass(frozen=True, eq=False)
class TrackedFace:
    """A face in a frame.

    Attributes:
        track: Its number, the same in all frames in which it is followed.
        face: The face.
        confidence: Confidence in [0, 1] that it is one.
    """

    track: int
    face: Face
    confidence: float

    @classmethod
    def of(cls, track: int, face: Face) -> "TrackedFace":
        """A face with its number; one that nothing has judged counts as sure."""
        return cls(track, face, 1.0 if face.confidence is None else face.confidence)

    @property
    def box_px(self) -> NDArray[np.float64]:
        """(4,) x1, y1, x2, y2 of its 68 landmarks."""
        points = self.face.landmarks[:, :2]
        return np.concatenate([points.min(axis=0), points.max(axis=0)])


class FaceTracker:
    """Follows the faces of a video.

    Args:
        find: Returns the faces of an image.
        reconstruct: Reconstructs detected faces, with their confidences.
        min_confidence: Confidence that a new face needs. Below half of it, and below 0.1, a followed face is lost, and
            searched for again.
    """

    def __init__(self, find: Find, reconstruct: Reconstruct, min_confidence: float) -> None:
        self._find = find
        self._reconstruct = reconstruct
        self._new, self._least = min_confidence, max(_FOLLOWED * min_confidence, _LEAST)
        self._numbers = itertools.count(1)
        self._followed: list[TrackedFace] = []
        self._lost: list[tuple[float, TrackedFace]] = []  # with the time of their loss
        self._next_search_s = 0.0
        self._wait_s = _WAITS_S[0]

    def faces(self, frame: Frame) -> list[TrackedFace]:
        """The faces of the next frame, by number."""
        kept = self._follow(frame.image)
        gone = [face for face in self._followed if face.track not in {other.track for other in kept}]
        self._lost = [(time_s, face) for time_s, face in self._lost if frame.time_s - time_s <= _REMEMBERED_S]
        self._lost += [(frame.time_s, face) for face in gone]
        if gone:  # searched for at once
            self._next_search_s, self._wait_s = frame.time_s, _WAITS_S[0]
        if frame.time_s >= self._next_search_s:
            kept += self._search(frame, kept)
        self._followed = sorted(kept, key=lambda face: face.track)
        return self._followed

    def _follow(self, image: NDArray[np.uint8]) -> list[TrackedFace]:
        if not self._followed:
            return []
        crops = crop_boxes(np.stack([face.face.landmarks[:, :2] for face in self._followed]))
        places = [DetectedFace(face.box_px, crop, _TRACKED) for face, crop in zip(self._followed, crops, strict=True)]
        fitting = [number for number, place in enumerate(places) if place.fits(image)]
        faces = self._reconstruct(image, [places[number] for number in fitting])
        tracked = [
            TrackedFace.of(self._followed[number].track, face) for number, face in zip(fitting, faces, strict=True)
        ]
        return _apart([face for face in tracked if face.confidence >= self._least])

    def _search(self, frame: Frame, followed: Sequence[TrackedFace]) -> list[TrackedFace]:
        """Faces that are not followed yet."""
        detections = [face for face in self._find(frame.image) if face.fits(frame.image)]
        new = [TrackedFace.of(0, face) for face in self._reconstruct(frame.image, detections)]
        new = [face for face in new if face.confidence >= self._new and not _is_among(face, followed)]
        found = [replace(face, track=self._number(face)) for face in _apart(new)]
        if (found or followed) and not self._lost:
            self._wait_s = _WAITS_S[0]
            self._next_search_s = frame.time_s + _NEWCOMERS_S
        else:
            self._next_search_s = frame.time_s + self._wait_s
            if not self._lost:
                self._wait_s = min(2 * self._wait_s, _WAITS_S[1])
        return found

    def _number(self, face: TrackedFace) -> int:
        """The number of the face that was lost here a moment ago, or a new one."""
        for place, (_, lost) in enumerate(self._lost):
            if _is_among(face, [lost]):
                del self._lost[place]
                return lost.track
        return next(self._numbers)


def _apart(faces: Sequence[TrackedFace]) -> list[TrackedFace]:
    """The faces without those that lie on another one of more confidence, as after two people have crossed."""
    if not faces:
        return []
    crops = crop_boxes(np.stack([face.face.landmarks for face in faces]))
    return [faces[place] for place in distinct_faces(crops, np.array([face.confidence for face in faces]))]


def _is_among(face: TrackedFace, others: Sequence[TrackedFace]) -> bool:
    boxes = np.array([other.box_px for other in others]).reshape(-1, 4)
    return bool((overlaps(face.box_px, boxes) >= _SAME).any())
