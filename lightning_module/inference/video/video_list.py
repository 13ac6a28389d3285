"""Lists the videos that the user names, and chooses names for their results."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from datamodules.errors import InputError
from datamodules.files.listed_names import is_hidden
from lightning_module.inference.photo_list import Photo, result_names
from lightning_module.inference.video.video_frames import VIDEO_ENDINGS, ImageSequence, Video, VideoFile

_MOST_FPS = 1000.0


class NamedVideo(NamedTuple):
    """A video: its file or folder, the name of its results, and how it is opened."""

    path: Path
    name: str
    open_video: Callable[[], Video]


def videos_among(places: Sequence[Path]) -> list[Path]:
    """The video files among files, and in folders, each once."""
    paths: dict[Path, Path] = {}
    for place in (place.expanduser() for place in places):
        inside = sorted(place.iterdir()) if place.is_dir() else [place]
        for path in inside:
            if path.suffix.lower() in VIDEO_ENDINGS and not (place.is_dir() and is_hidden(path.name)):
                paths.setdefault(path.resolve(), path)
    return list(paths.values())


def named_videos(files: Sequence[Path], out: Path) -> list[NamedVideo]:
    """The videos of files.

    Args:
        files: Video files.
        out: Folder of the results. It must not be a folder of the videos, which results could overwrite.

    Raises:
        InputError: If results would be written among the videos.
    """
    if among := [path for path in files if out.resolve() in (path.resolve().parent, path.absolute().parent)]:
        raise InputError(f"{among[0]}: lies in --out, where results could overwrite it. Set --out to another folder.")
    names = result_names([path.absolute() for path in files])
    return [NamedVideo(path, name, partial(VideoFile, path)) for path, name in zip(files, names, strict=True)]


def sequence_video(photos: Sequence[Photo], fps: float) -> NamedVideo:
    """Photographs as the frames of one video, which has the name of their folder.

    Args:
        photos: The photographs, in order; at least one.
        fps: Frames per second.

    Raises:
        InputError: If the frames per second are not plausible.
    """
    if not 0 < fps <= _MOST_FPS:  # nor NaN
        raise InputError(f"--sequence_fps is {fps:g}: give frames per second, such as 25.")
    folder = photos[0].path.absolute().parent
    return NamedVideo(folder, result_names([folder])[0], partial(ImageSequence, [photo.path for photo in photos], fps))
