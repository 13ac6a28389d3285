"""Recognises archives by their first bytes, and what was saved in place of an archive."""

import tarfile
import zipfile
from pathlib import Path
from typing import NamedTuple

from datamodules.errors import InputError

ARCHIVE_ENDINGS = (".zip", ".tar", ".tgz", ".tbz2", ".txz", ".tar.gz", ".tar.bz2", ".tar.xz", ".rar", ".7z")
UNFINISHED_ENDINGS = (".crdownload", ".part", ".partial", ".download", ".aria2")  # of browsers and download programs

_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_COMPRESSED_TAR = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00")
_OTHER = {b"Rar!\x1a\x07": "RAR", b"7z\xbc\xaf\x27\x1c": "7-Zip"}
_HEAD = 1024
_PAGES = (b"<!doctype html", b"<html", b"<?xml", b"<head")


class ArchiveKind(NamedTuple):
    """What a file is.

    Attributes:
        is_zip: Whether it is a zip file.
        fault: Why it cannot be read as an archive, with the remedy; "" where it can.
    """

    is_zip: bool
    fault: str = ""


def archive_kind(path: Path) -> ArchiveKind:
    """Recognises an archive.

    Raises:
        InputError: If the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
        if head.startswith(_ZIP):
            incomplete = "is incomplete: the table of contents at its end is missing. Download it again."
            return ArchiveKind(True, "" if zipfile.is_zipfile(path) else incomplete)
        if head.startswith(_COMPRESSED_TAR) or tarfile.is_tarfile(path):
            return ArchiveKind(False)
    except (OSError, EOFError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{path}: cannot be read ({reason}). Check the path and its permissions.") from error
    return ArchiveKind(False, _fault(head))


def _fault(head: bytes) -> str:
    if not head:
        return "is empty. Download it again."
    if head.lstrip().lower().startswith(_PAGES):
        return "is a web page that was saved under this name. Download it with a browser, and look at what it asks."
    for signature, name in _OTHER.items():
        if head.startswith(signature):
            return f"is a {name} file, which Python cannot unpack. Unpack it yourself, and give the folder."
    return "is neither a zip nor a tar file. Download it again."
