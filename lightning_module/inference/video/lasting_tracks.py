"""Leaves out faces that are followed for a moment only, such as a patch of wall that a detector took for one."""

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import replace

from lightning_module.inference.video.track_smoothing import TrackedFrame

LEAST_FRAMES = 5  # that a face is followed in


def lasting(frames: Iterator[TrackedFrame]) -> Iterator[TrackedFrame]:
    """The same frames, four frames later, without faces that have been followed in fewer than five frames by then.

    Faces at the end of the video, which might have been followed for longer, are kept. Faces are numbered anew, from 1 in
    the order in which they appear.

    Args:
        frames: The frames in order, without gaps.
    """
    window: deque[TrackedFrame] = deque()
    seen: Counter[int] = Counter()
    numbers: dict[int, int] = {}
    for frame in frames:
        window.append(frame)
        seen.update(face.track for face in frame.faces)
        if len(window) == LEAST_FRAMES:
            yield _without_short(window.popleft(), seen, numbers)
    if window:
        seen.update(dict.fromkeys((face.track for face in window[-1].faces), LEAST_FRAMES))
    while window:
        yield _without_short(window.popleft(), seen, numbers)


def _without_short(frame: TrackedFrame, seen: Counter[int], numbers: dict[int, int]) -> TrackedFrame:
    kept = [face for face in frame.faces if seen[face.track] >= LEAST_FRAMES]
    return frame._replace(faces=[replace(face, track=_number(face.track, numbers)) for face in kept])


def _number(track: int, numbers: dict[int, int]) -> int:
    return numbers.setdefault(track, len(numbers) + 1)
