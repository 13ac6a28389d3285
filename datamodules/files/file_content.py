"""Reads files and lists folders, on disk or in a zip file."""

import os
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from datamodules.errors import InputError
from datamodules.files.listed_names import is_hidden
from datamodules.files.zipped_folder import zipped_place


class ListedFile(NamedTuple):
    """A file of a folder.

    Attributes:
        name: Its name.
        size: Its bytes.
        version: A number that changes with the file: its time of change, or its checksum in a zip file.
    """

    name: str
    size: int
    version: int


def read_content(path: Path) -> bytes:
    """The bytes of a file, which may lie in a zip file: `300W-LP.zip/AFW/a_0.jpg`.

    Raises:
        InputError: If it cannot be read.
    """
    try:
        try:
            return path.read_bytes()
        except NotADirectoryError:
            place = zipped_place(path)
            if place is None:
                raise
            return place.table.read(place.name)
    except OSError as error:
        reason = error.strerror or error
        raise InputError(f"{path}: cannot be read ({reason}). Check the path and its permissions.") from error


def openable(path: Path, most: int) -> Path | BytesIO:
    """What libraries that read only the header of a file can open: its path, or its start if it lies in a zip file.

    Args:
        path: The file.
        most: Bytes of a file in a zip file that are read.

    Raises:
        InputError: If the start cannot be read.
    """
    if os.path.isdir(path.parent):
        return path
    place = zipped_place(path)
    return path if place is None else BytesIO(place.table.read(place.name, most))


def is_folder(path: Path) -> bool:
    """Whether a path is a folder on disk or in a zip file, or a zip file.

    Raises:
        InputError: If it leads through a file that is no zip file, or is damaged.
    """
    if path.is_dir():
        return True
    place = zipped_place(path)
    return place is not None and place.name in place.table.folders


def is_listed(path: Path) -> bool:
    """Whether there is a file of this path, on disk or in a zip file."""
    if path.is_file():
        return True
    if path.parent.is_dir():
        return False
    place = zipped_place(path)
    return place is not None and place.name in place.table.files


def list_files(folder: Path, endings: tuple[str, ...] = ("",)) -> list[ListedFile]:
    """The files of a folder, without those that systems leave there; sorted.

    Args:
        folder: The folder, which may be a zip file or lie in one.
        endings: Endings of the names, in lower case; names may have them in upper case.

    Raises:
        InputError: If it cannot be listed, or a file is a link to nothing.
    """
    place = None if folder.is_dir() else zipped_place(folder)
    if place is not None:
        return [
            ListedFile(name, file.size, file.checksum)
            for name in place.table.folders.get(place.name, [])
            if _is_wanted(name, endings) and (file := place.table.files.get(f"{place.name}/{name}".lstrip("/")))
        ]
    files = []
    for entry in _entries(folder):
        if _is_wanted(entry.name, endings):
            try:
                status = entry.stat()
            except OSError as error:
                raise InputError(f"{entry.path}: is a link to nothing. Repair or remove it.") from error
            if not entry.is_dir():
                files.append(ListedFile(entry.name, status.st_size, status.st_mtime_ns))
    return sorted(files)


def list_folders(folder: Path) -> list[str]:
    """Names of the folders in a folder, without those that systems leave there; sorted.

    Raises:
        InputError: If it cannot be listed.
    """
    place = None if folder.is_dir() else zipped_place(folder)
    if place is not None:
        folders = place.table.folders
        names = folders.get(place.name, [])
        return [name for name in names if not is_hidden(name) and f"{place.name}/{name}".lstrip("/") in folders]
    return sorted(entry.name for entry in _entries(folder) if not is_hidden(entry.name) and entry.is_dir())


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError as error:
        raise InputError(f"{folder}: cannot be listed ({error.strerror}). Check its permissions.") from error


def _is_wanted(name: str, endings: tuple[str, ...]) -> bool:
    return name.lower().endswith(endings) and not is_hidden(name)
