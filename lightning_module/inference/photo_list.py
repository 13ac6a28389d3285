"""Lists the photographs that the user names, and chooses names for their results."""

import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from datamodules.errors import InputError
from datamodules.files.listed_names import is_hidden
from datamodules.files.photographs import PHOTO_ENDINGS

_MOST_LETTERS = 80  # of a name, to which endings are added
_UNSAFE = re.compile(r"[^\w.-]+")  # in an OBJ file, a blank ends the name of the material, and # begins a comment


class Photo(NamedTuple):
    """A photograph, and the name of its results: its stem, or more of its path where stems are equal."""

    path: Path
    name: str


def collect_photos(places: Sequence[Path], out: Path, is_needed: bool = True) -> list[Photo]:
    """The photographs of files and folders, each once. Folders are sorted; subfolders and hidden files are left out.

    Args:
        places: Folders, and files of any ending, which need not exist.
        out: Folder of the results. It must not be a folder of the photographs, which results could overwrite.
        is_needed: Whether there must be any.

    Raises:
        InputError: If there are no photographs though there must be, or results would be written among them.
    """
    paths: dict[Path, Path] = {}
    for place in places:
        for path in _files(place.expanduser()):
            paths.setdefault(path.resolve(), path)
    if not paths and is_needed:
        if not places:
            raise InputError("no photograph is named. Name files, or folders that hold some: predict me.jpg album/.")
        raise InputError(
            f"{', '.join(map(str, places))}: holds no photographs or videos. Name files, or folders that hold some."
        )
    if among := [
        written for path, written in paths.items() if out.resolve() in (path.parent, written.absolute().parent)
    ]:
        raise InputError(f"{among[0]}: lies in --out, where results could overwrite it. Set --out to another folder.")
    names = result_names([Path(os.path.abspath(path)) for path in paths.values()])
    return [Photo(path, name) for path, name in zip(paths.values(), names, strict=True)]


def _files(place: Path) -> Iterable[Path]:
    if not place.is_dir():
        return [place]
    try:
        return sorted(
            path
            for path in place.iterdir()
            if path.suffix.lower() in PHOTO_ENDINGS and not is_hidden(path.name) and path.is_file()
        )
    except OSError as error:
        raise InputError(f"{place}: cannot be listed ({error.strerror}). Check its permissions.") from error


def result_names(paths: list[Path]) -> list[str]:
    """Names for the results of files, which differ in more than upper and lower case."""
    names = [_clean(path.stem) for path in paths]
    for longer in ("{0.parent.name}_{0.stem}", "{0.parent.name}_{0.name}"):
        counts = Counter(name.lower() for name in names)
        names = [
            _clean(longer.format(path)) if counts[name.lower()] > 1 else name
            for path, name in zip(paths, names, strict=True)
        ]
    taken: set[str] = set()
    for place, name in enumerate(names):
        number = 1
        while names[place].lower() in taken:
            number += 1
            names[place] = f"{name}_{number}"
        taken.add(names[place].lower())
    return names


def _clean(name: str) -> str:
    return _UNSAFE.sub("_", name)[:_MOST_LETTERS]
