"""Reads the frames of a video one by one, from a video file or from the photographs of a sequence."""

import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from datamodules.errors import InputError
from datamodules.files.photographs import read_photograph

os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # damaged files are reported here, in one line; read by OpenCV
import cv2

_log = logging.getLogger(__name__)

VIDEO_ENDINGS = (".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".wmv")

_USUAL_FPS = 25.0  # of files that state no plausible rate
_FPS = (1.0, 1000.0)  # plausible rates
_LACKING = 0.05  # share of the announced frames that may be missing, since files only estimate their number


@dataclass(frozen=True, eq=False)
class Frame:
    """A frame of a video.

    Attributes:
        number: Its number, from 0.
        time_s: Its time in seconds from the start of the video.
        image: (H, W, 3) RGB, upright.
    """

    number: int
    time_s: float
    image: NDArray[np.uint8]


class Video(Protocol):
    """The frames of a video, which can be read once.

    Attributes:
        path: The file, or the folder of a sequence, for messages.
        fps: Mean number of frames per second.
        count: Number of frames as far as it is known before they are read, or None.
    """

    path: Path
    fps: float
    count: int | None

    def __iter__(self) -> Iterator[Frame]:
        """The frames in order; only one is in memory at a time."""
        ...


class VideoFile:
    """The frames of a video file in any format that FFmpeg decodes; rotation that the file asks for is applied.

    Args:
        path: The file.

    Raises:
        InputError: If it cannot be read, is no video, or has no frame.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._capture = _opened(path)
        fps, count = (float(self._capture.get(name)) for name in (cv2.CAP_PROP_FPS, cv2.CAP_PROP_FRAME_COUNT))
        self.fps = fps if _FPS[0] <= fps <= _FPS[1] else _USUAL_FPS
        self.count = int(count) if count > 0 else None
        self._first = self._read(0, -1.0)
        if self._first is None:
            raise InputError(f"{path}: has no frame that can be read. Copy it again, or convert it with FFmpeg.")

    def __iter__(self) -> Iterator[Frame]:
        frame = self._first
        self._first = None
        last = -1
        while frame is not None:
            yield frame
            last = frame.number
            frame = self._read(last + 1, frame.time_s)
        self._capture.release()
        if self.count is not None and last + 1 < (1 - _LACKING) * self.count - 1:
            _log.warning(
                "%s: can be read up to frame %d of %d only. Copy it again if it is not complete.",
                self.path,
                last + 1,
                self.count,
            )

    def _read(self, number: int, last_s: float) -> Frame | None:
        is_read, image = self._capture.read()
        if not is_read:
            return None
        time_s = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        if not time_s > last_s:  # some formats state no times
            time_s = 0.0 if last_s < 0 else last_s + 1 / self.fps
        return Frame(number, time_s, np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8))


class ImageSequence:
    """Photographs as the frames of a video.

    Args:
        paths: The photographs, in order.
        fps: Frames per second.
    """

    def __init__(self, paths: Sequence[Path], fps: float) -> None:
        self.path = paths[0].parent
        self.fps = fps
        self.count: int | None = len(paths)
        self._paths = paths

    def __iter__(self) -> Iterator[Frame]:
        for number, path in enumerate(self._paths):
            yield Frame(number, number / self.fps, read_photograph(path))


def _opened(path: Path) -> "cv2.VideoCapture":
    try:
        with path.open("rb") as file:
            is_empty = not file.read(1)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}). Check the path and its permissions.") from error
    if is_empty:
        raise InputError(f"{path}: is empty. Copy it again.")
    level = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    finally:
        cv2.utils.logging.setLogLevel(level)
    if not capture.isOpened():
        raise InputError(f"{path}: is no video, or a damaged one. Copy it again, or convert it with FFmpeg.")
    return capture
