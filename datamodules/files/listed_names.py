"""Names of files and folders that belong to no data set: those that systems leave there, and those that are no text."""

import os
from pathlib import Path

from datamodules.errors import InputError

_MACOS_ARCHIVE = "__MACOSX"  # folder of an unpacked archive, which holds a `._<name>` for each of its files
_MACOS_FOLDER, _MACOS_FILE = ".DS_Store", "._"  # what macOS writes into folders, and beside files on other file systems

NO_TEXT = "its name is no UTF-8. Rename it."


def is_hidden(name: str) -> bool:
    """Whether a file or folder belongs to the system, such as `._<name>` of macOS, or is a file that is half written."""
    return name.startswith(".") or name == _MACOS_ARCHIVE


def is_empty(folder: Path) -> bool:
    """Whether a folder holds nothing but what macOS writes into it."""
    return all(path.name == _MACOS_FOLDER or path.name.startswith(_MACOS_FILE) for path in folder.iterdir())


def is_text(name: str) -> bool:
    """Whether the bytes of a name are UTF-8, so that it can be written into tables, pages and databases."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:  # other bytes stand in Python's paths as surrogates
        return False
    return True


def check_text(path: Path) -> None:
    """Raises InputError if the bytes of a path are no UTF-8."""
    if not is_text(str(path)):
        raise InputError(f"{shown(path)}: {NO_TEXT}")


def shown(name: str | os.PathLike[str]) -> str:
    r"""A name whose bytes that are no UTF-8 are spelt out, as in caf\xe9.jpg."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")
