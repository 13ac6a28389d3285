"""Lists the videos that the user names, and follows the faces of each."""

from collections.abc import Sequence
from pathlib import Path

from datamodules.errors import InputError, cannot_write
from datamodules.files.listed_names import is_hidden
from lightning_module.inference.photo_list import Photo, result_names
from lightning_module.inference.video.face_tracks import FaceTracker, Find, Reconstruct
from lightning_module.inference.video.video_faces import VideoFaces, write_video_faces
from lightning_module.inference.video.video_frames import VIDEO_ENDINGS, ImageSequence, Video, VideoFile


def videos_among(places: Sequence[Path]) -> list[Path]:
    """The video files among files, and in folders, each once."""
    paths: dict[Path, Path] = {}
    for place in (place.expanduser() for place in places):
        inside = sorted(place.iterdir()) if place.is_dir() else [place]
        for path in inside:
            if path.suffix.lower() in VIDEO_ENDINGS and not (place.is_dir() and is_hidden(path.name)):
                paths.setdefault(path.resolve(), path)
    return list(paths.values())


class VideoQueue:
    """The videos of a command, which are processed one after the other.

    Args:
        paths: Video files.
        sequence: Photographs that are the frames of one more video.
        sequence_fps: Frames per second of that video.
        out: Folder of the results. It must not be a folder of the videos, which results could overwrite.

    Raises:
        InputError: If results would be written among the videos, or the frames per second are not positive.
    """

    def __init__(self, paths: Sequence[Path], sequence: Sequence[Photo], sequence_fps: float | None, out: Path) -> None:
        if sequence_fps is not None and not 0 < sequence_fps <= 1000:  # nor NaN
            raise InputError(f"--sequence_fps is {sequence_fps:g}: give frames per second, such as 25.")
        among = [path for path in paths if out.resolve() in (path.resolve().parent, path.absolute().parent)]
        if among:
            raise InputError(
                f"{among[0]}: lies in --out, where results could overwrite it. Set --out to another folder."
            )
        self._paths, self._sequence, self._fps, self._out = list(paths), list(sequence), sequence_fps, out
        folders = [self._sequence[0].path.absolute().parent] if self._sequence else []
        self._names = result_names([path.absolute() for path in [*self._paths, *folders]])

    @property
    def places(self) -> list[tuple[Path, str]]:
        """The path and the name of the results of each video."""
        folders = [self._sequence[0].path.parent] if self._sequence else []
        return list(zip([*self._paths, *folders], self._names, strict=True))

    def follow(
        self, path: Path, name: str, find: Find, reconstruct: Reconstruct, least: float, is_smoothed: bool
    ) -> VideoFaces:
        """Follows the faces of a video, and writes its files; see `write_video_faces`.

        Args:
            path: One of `places`.
            name: Name of its results.
            find: Returns the faces of an image.
            reconstruct: Reconstructs them.
            least: Confidence that a new face needs.
            is_smoothed: Whether maps are smoothed over time.

        Raises:
            InputError: If the video cannot be read, or the files cannot be written.
        """
        video: Video = VideoFile(path) if path in self._paths else self._sequence_video()
        try:
            self._out.mkdir(parents=True, exist_ok=True)
            return write_video_faces(video, FaceTracker(find, reconstruct, least), self._out, name, is_smoothed)
        except OSError as error:
            raise cannot_write(self._out, error, "--out") from error

    def _sequence_video(self) -> ImageSequence:
        return ImageSequence([photo.path for photo in self._sequence], self._fps or 1.0)
