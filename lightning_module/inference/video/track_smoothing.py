"""Smooths the maps of tracked faces over time, with a lag of two frames."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from lightning_module.inference.video.face_tracks import TrackedFace
from lightning_module.inference.video.video_frames import Frame

# A triangular window: noise that is independent from frame to frame shrinks to sqrt(19) / 9 = 0.48 of its deviation. It
# is symmetric, so that a steady motion is not delayed; its two frames ahead are the lag of a live picture.
_WINDOW = (1.0, 2.0, 3.0, 2.0, 1.0)
LAG_FRAMES = len(_WINDOW) // 2


class TrackedFrame(NamedTuple):
    """A frame, and the faces that are tracked in it."""

    frame: Frame
    faces: Sequence[TrackedFace]


def smoothed(frames: Iterator[TrackedFrame]) -> Iterator[TrackedFrame]:
    """The same frames, two frames later, with maps that are weighted means over up to five frames.

    Near the ends of a track the window is narrower, and stays symmetric.

    Args:
        frames: The frames in order, without gaps.
    """
    window: deque[TrackedFrame] = deque(maxlen=len(_WINDOW))
    behind = 0  # frames in the window that have not been returned
    for frame in frames:
        window.append(frame)
        behind += 1
        if behind > LAG_FRAMES:
            yield _mean(window, len(window) - behind)
            behind -= 1
    while behind:
        yield _mean(window, len(window) - behind)
        behind -= 1


def _mean(window: Sequence[TrackedFrame], place: int) -> TrackedFrame:
    frame, faces = window[place]
    return TrackedFrame(frame, [_smoothed_face(face, window, place) for face in faces])


def _smoothed_face(own: TrackedFace, window: Sequence[TrackedFrame], place: int) -> TrackedFace:
    near = [next((face for face in faces if face.track == own.track), None) for _, faces in window]
    reach = 0
    while reach < LAG_FRAMES and all(
        0 <= at < len(near) and near[at] is not None for at in (place - reach - 1, place + reach + 1)
    ):
        reach += 1
    if not reach:
        return own
    weights = np.array(_WINDOW[LAG_FRAMES - reach : LAG_FRAMES + reach + 1])
    maps = [face.face.map_px for face in near[place - reach : place + reach + 1] if face is not None]
    map_px = np.tensordot(weights / weights.sum(), np.stack(maps), axes=1)
    return replace(own, face=replace(own.face, map_px=map_px))
