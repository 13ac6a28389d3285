"""Zip and tar files: what they hold, and the content of their files, without trust in their names and sizes."""

import errno
import struct
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from lzma import LZMAError
from pathlib import Path
from typing import IO, NamedTuple

from datamodules.errors import InputError
from datamodules.files.archive_kinds import ArchiveKind, archive_kind
from datamodules.files.archive_names import checked_name

_AGAIN = "Download it again."
_UNPACK = "Unpack it yourself, and give the folder."
_ENCRYPTED = 0x1  # bit of a zip member's flags
_CHUNK = 1 << 20
# what the libraries raise where numbers of an archive are wrong; gzip's and bz2's own errors have no number
_DAMAGE = (zlib.error, LZMAError, EOFError, ValueError, RuntimeError, struct.error)
_OF_DAMAGE = (None, errno.EINVAL)


class Member(NamedTuple):
    """A file in an archive.

    Attributes:
        name: Its path in the archive, with "/" between folders.
        size: Its bytes when it is unpacked, as the archive says; more are never read.
        entry: What the library of the archive calls it.
    """

    name: str
    size: int
    entry: zipfile.ZipInfo | tarfile.TarInfo


class Archive:
    """An archive that is open for reading.

    Args:
        path: The file, for messages.
        file: The opened archive.
    """

    def __init__(self, path: Path, file: zipfile.ZipFile | tarfile.TarFile) -> None:
        self.path = path
        self._file = file

    def members(self) -> list[Member]:
        """Its files, in the archive's order.

        Raises:
            InputError: If one of them lies outside the folder that it would be unpacked into, is a link or a device, is
                encrypted, or has the name of another, or if the archive is damaged.
        """
        with named_faults(self.path):
            members = self._zip_members() if isinstance(self._file, zipfile.ZipFile) else self._tar_members()
        names = Counter(member.name for member in members)
        if repeated := [name for name, count in names.items() if count > 1]:
            raise InputError(f"{self.path}: holds {repeated[0]} twice. {_UNPACK}")
        return members

    @contextmanager
    def opened(self, member: Member) -> Iterator[IO[bytes]]:
        """The content of a file, which can be read once.

        Raises:
            InputError: If the archive is damaged.
        """
        with named_faults(self.path):
            archive = self._file
            if isinstance(archive, zipfile.ZipFile) and isinstance(member.entry, zipfile.ZipInfo):
                content: IO[bytes] | None = archive.open(member.entry)
            else:
                content = archive.extractfile(member.entry)  # type: ignore[union-attr,arg-type]  # of the same library
            assert content is not None  # links and folders are no members
            with content:
                yield content

    def read(self, member: Member) -> bytes:
        """The whole content of a file.

        Raises:
            InputError: If the archive is damaged.
        """
        with self.opened(member) as content:
            parts = list(iter(lambda: content.read(_CHUNK), b""))
        if (size := sum(map(len, parts))) != member.size:
            raise InputError(f"{self.path}: {member.name} has {size} of {member.size} bytes. {_AGAIN}")
        return b"".join(parts)

    def _zip_members(self) -> list[Member]:
        assert isinstance(self._file, zipfile.ZipFile)
        members = []
        for info in self._file.infolist():
            name = checked_name(self.path, info.filename)
            if info.flag_bits & _ENCRYPTED:
                raise InputError(f"{self.path}: {name} is encrypted. {_UNPACK}")
            kind = info.external_attr >> 16 & 0o170000  # of files that Unix has packed, else 0
            if kind not in (0, 0o100000, 0o040000):
                raise InputError(f"{self.path}: {name} is a link or a device. {_UNPACK}")
            if not info.is_dir():
                members.append(Member(name, info.file_size, info))
        return members

    def _tar_members(self) -> list[Member]:
        assert isinstance(self._file, tarfile.TarFile)
        members = []
        for info in self._file:
            name = checked_name(self.path, info.name)
            if not (info.isfile() or info.isdir()):
                raise InputError(f"{self.path}: {name} is a link or a device. {_UNPACK}")
            if info.isfile():
                members.append(Member(name, info.size, info))
        assert self._file.fileobj is not None  # it is open
        while self._file.fileobj.read(_CHUNK):  # to the checksum of all, which stands at the end
            pass
        return members


@contextmanager
def opened_archive(path: Path) -> Iterator[Archive]:
    """Opens a zip or tar file, which is recognised by its content.

    Raises:
        InputError: If it is neither, or incomplete, or cannot be read.
    """
    kind = archive_kind(path)
    if kind.fault:
        raise InputError(f"{path}: {kind.fault}")
    with named_faults(path):
        file = _opened(path, kind)
    with file:
        yield Archive(path, file)


def _opened(path: Path, kind: ArchiveKind) -> zipfile.ZipFile | tarfile.TarFile:
    return zipfile.ZipFile(path) if kind.is_zip else tarfile.open(path, "r:*")


@contextmanager
def named_faults(path: Path) -> Iterator[None]:
    """Errors of the libraries that read archives, as one line about the archive.

    Raises:
        InputError: Instead of them.
    """
    try:
        yield
    except InputError:
        raise
    except NotImplementedError as error:  # a compression that Python's library does not have
        raise InputError(f"{path}: cannot be unpacked here ({error}). {_UNPACK}") from error
    except OSError as error:
        if error.errno not in _OF_DAMAGE:
            raise
        raise _damaged(path, error) from error
    except (zipfile.BadZipFile, tarfile.TarError, *_DAMAGE) as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> InputError:
    fault = " ".join(str(error).split()) or type(error).__name__
    return InputError(f"{path}: is damaged or incomplete ({fault}). {_AGAIN}")
