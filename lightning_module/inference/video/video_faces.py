"""Reconstructs the faces of a video: overlay video, table of landmarks and pose, and a page with a slider."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from lightning_module.inference.video.face_tracks import FaceTracker
from lightning_module.inference.video.lasting_tracks import lasting
from lightning_module.inference.video.overlay_video import written_overlay
from lightning_module.inference.video.track_smoothing import TrackedFrame, smoothed
from lightning_module.inference.video.track_table import written_table
from lightning_module.inference.video.video_frames import Video
from lightning_module.inference.video.video_page import write_video_page


@dataclass(frozen=True)
class VideoFaces:
    """The results of a video.

    Attributes:
        frames: Number of its frames.
        frames_with_faces: Number of frames in which a face was followed.
        faces: Number of faces that were followed.
        seconds: Duration of the work.
        page: The page, or None if there was no face, so that nothing was kept.
        is_stopped: Whether the user stopped it before its end.
    """

    frames: int
    frames_with_faces: int
    faces: int
    seconds: float
    page: Path | None
    is_stopped: bool


def write_video_faces(video: Video, tracker: FaceTracker, out: Path, name: str, is_smoothed: bool) -> VideoFaces:
    """Follows the faces of a video, and writes <name>.webm, .csv, .npz and .html.

    Memory does not grow with the length of the video. A video that the user stops is complete up to that frame.

    Args:
        video: The video.
        tracker: Follows its faces.
        out: Folder; existing files are overwritten.
        name: Name of the files.
        is_smoothed: Whether maps are smoothed over five frames.

    Raises:
        InputError: If a frame cannot be read.
        OSError: If a file cannot be written.
    """
    start = time.monotonic()
    stop = _Stop()
    frames = with_faces = 0
    numbers: set[int] = set()
    with (
        written_overlay(out / f"{name}.webm", video.fps) as overlay,
        written_table(out / f"{name}.csv", out / f"{name}.npz") as table,
    ):
        tracked = lasting(_tracked(video, tracker, stop))
        for frame, faces in smoothed(tracked) if is_smoothed else tracked:
            overlay.add(frame, faces)
            table.add(frame, faces)
            frames += 1
            with_faces += bool(faces)
            numbers |= {face.track for face in faces}
        page = out / f"{name}.html"
        if numbers:
            write_video_page(page, name, table.rows(), video.fps, frames)
    if not numbers:
        for ending in (".webm", ".csv", ".npz"):
            (out / f"{name}{ending}").unlink()
    return VideoFaces(
        frames, with_faces, len(numbers), time.monotonic() - start, page if numbers else None, stop.is_asked
    )


@dataclass
class _Stop:
    """Whether the user has asked to stop."""

    is_asked: bool = False


def _tracked(video: Video, tracker: FaceTracker, stop: _Stop) -> Iterator[TrackedFrame]:
    progress = tqdm(video, desc=f"Following faces of {video.path.name}", total=video.count, unit="frame", disable=None)
    try:
        for frame in progress:
            yield TrackedFrame(frame, tracker.faces(frame))
    except KeyboardInterrupt:  # the frames so far are kept
        stop.is_asked = True
