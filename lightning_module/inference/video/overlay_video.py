"""Draws tracked faces onto the frames of a video, and writes them as VP9 in a .webm file."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from datamodules.errors import InputError
from datamodules.files.atomic_files import whole_file
from lightning_module.inference.overlays import draw_axes, draw_landmarks, draw_text
from lightning_module.inference.video.face_tracks import TrackedFace
from lightning_module.inference.video.video_frames import Frame

_LARGEST = 1280  # pixels of the longer side; larger frames are reduced
_RADIUS, _AXIS = 0.012, 0.6  # of a landmark, and length of the axes, in sizes of the face
_TEXT = 0.5
_NOSE_TIP = 30
_STANDARD_ERROR = 2  # its number for the operating system
_MOST_REPEATS = 250  # of a frame, for a file whose times jump


class OverlayVideo:
    """A video that is written frame by frame, at a constant rate: frames are repeated or left out to keep their times.

    Args:
        path: The .webm file.
        fps: Frames per second.
    """

    def __init__(self, path: Path, fps: float) -> None:
        self._path, self._fps = path, fps
        self._writer: cv2.VideoWriter | None = None
        self._scale, self._size = 1.0, (0, 0)
        self._written = 0

    def add(self, frame: Frame, faces: Sequence[TrackedFace]) -> None:
        """Draws the faces of a frame, and writes it.

        Raises:
            InputError: If OpenCV has no encoder.
        """
        if self._writer is None:
            self._writer = self._opened(frame.image)
        repeats = min(max(round(frame.time_s * self._fps) + 1 - self._written, 0), _MOST_REPEATS)
        if not repeats:
            return
        picture = self._drawn(frame.image, faces)
        for _ in range(repeats):
            self._writer.write(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        self._written += repeats

    def close(self) -> None:
        """Completes the file."""
        if self._writer is not None:
            self._writer.release()

    def _opened(self, image: NDArray[np.uint8]) -> cv2.VideoWriter:
        height, width = image.shape[:2]
        self._scale = min(1.0, _LARGEST / max(height, width))
        self._size = tuple(max(2, 2 * round(side * self._scale / 2)) for side in (width, height))  # colours are halved
        code = cv2.VideoWriter.fourcc(*"VP90")
        with _unheard():
            writer = cv2.VideoWriter(str(self._path), cv2.CAP_FFMPEG, code, self._fps, self._size)
        if not writer.isOpened():
            raise InputError(f"{self._path}: cannot be written as VP9. Install opencv-python from PyPI.")
        return writer

    def _drawn(self, image: NDArray[np.uint8], faces: Sequence[TrackedFace]) -> NDArray[np.uint8]:
        picture = np.asarray(cv2.resize(image, self._size, interpolation=cv2.INTER_AREA), np.uint8)
        height, width = image.shape[:2]
        # a pixel is a square about its whole-numbered centre
        scale = np.array([self._size[0] / width, self._size[1] / height, self._size[0] / width])
        for face in faces:
            points = (face.face.landmarks_81 + 0.5) * scale - 0.5
            low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
            size = float((high - low).mean())
            picture = draw_landmarks(picture, points, face.face.landmarks_81_visible, max(_RADIUS * size, 1.0))
            draw_axes(picture, points[_NOSE_TIP, :2], face.face.pose, _AXIS * size, max(1, round(_RADIUS * size)))
            label = f"{face.track}  {100 * face.confidence:.0f} %"
            draw_text(picture, label, (int(low[0]), max(int(low[1]) - 6, 12)), _TEXT)
        return picture


@contextmanager
def written_overlay(path: Path, fps: float) -> Iterator[OverlayVideo]:
    """Gives a video to fill; the file gets its name when the block ends without an error.

    Args:
        path: The .webm file.
        fps: Frames per second.

    Raises:
        OSError: If the file cannot be written.
    """
    with whole_file(path) as partial:
        partial.touch()  # raises what an encoder would only print
        video = OverlayVideo(partial, fps)
        try:
            yield video
        finally:
            video.close()


@contextmanager
def _unheard() -> Iterator[None]:
    """Leaves out what OpenCV writes to the terminal by itself: it calls the tag of VP9 wrong, and then uses the right one."""
    try:
        terminal = os.dup(_STANDARD_ERROR)
    except OSError:  # it is closed
        yield
        return
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), _STANDARD_ERROR)
        try:
            yield
        finally:
            os.dup2(terminal, _STANDARD_ERROR)
            os.close(terminal)
