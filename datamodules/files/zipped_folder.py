"""Folders in zip files, whose files are read where they lie: `300W-LP.zip/AFW/a_0.jpg` is a path like any other.

A file is read by its place in the archive, without a position that processes would share: workers that were forked read
from the same open file. The table of contents of 300W-LP, 245 000 files, takes some 60 MB, which such workers share.
"""

import os
import stat
import zipfile
import zlib
from collections import defaultdict
from functools import cached_property, lru_cache
from pathlib import Path
from typing import NamedTuple

from datamodules.errors import InputError
from datamodules.files.archives import named_faults, opened_archive

_LOCAL_HEADER = 30  # bytes in front of a file's name, whose length and that of the extra field stand in its last four
_SIGNATURE = b"PK\x03\x04"
_TABLES = 8  # zip files whose tables are kept
_FOLDERS = 256  # folders in zip files that are known to lie there
_SLACK = 1024  # bytes by which what cannot be compressed gets longer
_MOST_BYTES = 256 << 20  # of one file; images and coefficients are far smaller


class ZippedFile(NamedTuple):
    """A file in a zip file.

    Attributes:
        start: Place of its header, in bytes.
        packed_size: Its bytes in the archive.
        size: Its bytes when it is unpacked.
        method: How it is packed.
        checksum: CRC-32 of its content.
    """

    start: int
    packed_size: int
    size: int
    method: int
    checksum: int


class ZipTable:
    """The table of contents of a zip file, which is open for reading.

    Args:
        path: The zip file.

    Raises:
        InputError: If it is damaged, or holds names that lie outside of it, links or encrypted files.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.files: dict[str, ZippedFile] = {}
        with opened_archive(path) as archive:
            for name, size, entry in archive.members():
                if not isinstance(entry, zipfile.ZipInfo):
                    raise InputError(f"{path}: is a tar file, whose files cannot be read one by one. Unpack it.")
                self.files[name] = ZippedFile(
                    entry.header_offset, entry.compress_size, size, entry.compress_type, entry.CRC
                )
        self._file = os.open(path, os.O_RDONLY)

    def __del__(self) -> None:
        if hasattr(self, "_file"):
            os.close(self._file)

    @cached_property
    def folders(self) -> dict[str, list[str]]:
        """The names in each folder, files and folders, sorted; that of the archive itself is ""."""
        names: dict[str, set[str]] = defaultdict(set)
        for file in self.files:
            while file:
                folder, _, name = file.rpartition("/")
                names[folder].add(name)
                file = folder
        return {folder: sorted(own) for folder, own in names.items()}

    def read(self, name: str, most: int | None = None) -> bytes:
        """The content of a file.

        Args:
            name: The file.
            most: Bytes from its start that are read; without, all are, and their checksum is compared.

        Raises:
            FileNotFoundError: If there is none of this name.
            InputError: If it is damaged.
        """
        if name not in self.files:
            raise FileNotFoundError(2, "No such file in the archive", str(self.path / name))
        with named_faults(self.path / name):
            return self._unpacked(self.files[name], most)

    def _unpacked(self, file: ZippedFile, most: int | None) -> bytes:
        if file.size > _MOST_BYTES:
            raise zipfile.BadZipFile(f"{file.size} bytes are too many")
        header = os.pread(self._file, _LOCAL_HEADER, file.start)
        if len(header) < _LOCAL_HEADER or not header.startswith(_SIGNATURE):
            raise zipfile.BadZipFile("bad header")
        skipped = int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
        is_whole = most is None or most >= file.size
        length = file.packed_size if most is None else min(file.packed_size, most + _SLACK)
        packed = os.pread(self._file, length, file.start + _LOCAL_HEADER + skipped)
        if file.method == zipfile.ZIP_STORED:
            content = packed
        elif file.method == zipfile.ZIP_DEFLATED:  # no more than it says
            limit = file.size + 1 if most is None or is_whole else most
            content = zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, limit)
        else:
            raise NotImplementedError("it is neither stored nor deflated")
        if not is_whole:
            return content
        if len(content) != file.size or zlib.crc32(content) != file.checksum:
            raise zipfile.BadZipFile("bad checksum")
        return content


class ZippedPlace(NamedTuple):
    """A path in a zip file: the table of the archive, and the path in it with "/" between folders, "" for its top."""

    table: ZipTable
    name: str


def zipped_place(path: Path) -> ZippedPlace | None:
    """Finds the zip file that a path leads into; None if all its parts are folders.

    Raises:
        InputError: If a file that the path leads through is no zip file, or is damaged.
    """
    folder, name = os.path.split(path)
    try:
        archive = _archive(folder)
        inside = f"{folder[len(archive) + 1 :]}/{name}".lstrip("/")
    except FileNotFoundError:  # the path may be the archive itself
        archive, inside = str(path), ""
    try:
        status = os.stat(archive)
    except OSError:
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    return ZippedPlace(_table(archive, status.st_ino, status.st_size, status.st_mtime_ns), inside)


@lru_cache(maxsize=_FOLDERS)
def _archive(folder: str) -> str:
    """The file that a folder's path leads into, or is; it is kept, since each sample of a folder asks for it.

    Raises:
        FileNotFoundError: If the path is that of a folder, or of nothing.
    """
    place = folder
    while place and not os.path.lexists(place) and os.path.dirname(place) != place:
        place = os.path.dirname(place)
    if not os.path.isfile(place):
        raise FileNotFoundError(folder)
    return place


@lru_cache(maxsize=_TABLES)
def _table(path: str, *_of_the_file: int) -> ZipTable:
    return ZipTable(Path(path))
