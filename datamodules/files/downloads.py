"""Finds files by their names in a folder of downloads: in its subfolders, and in the archives that lie there."""

import os
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from datamodules.errors import InputError
from datamodules.files.archive_kinds import ARCHIVE_ENDINGS, UNFINISHED_ENDINGS
from datamodules.files.archives import Member, opened_archive
from datamodules.files.listed_names import is_hidden

_MOST_BYTES = 1 << 30  # of one file that is read as a whole; the largest of the Basel Face Model has a quarter


@dataclass(frozen=True)
class FoundFile:
    """A file of the downloads.

    Attributes:
        path: The file, or the archive that holds it.
        member: The file in the archive; None for a file of its own.
    """

    path: Path
    member: Member | None = None

    @property
    def place(self) -> Path:
        """The file as messages name it: the archive's path, followed by that in the archive."""
        return self.path if self.member is None else self.path / self.member.name

    @property
    def name(self) -> str:
        """Its name without folders."""
        return self.path.name if self.member is None else PurePosixPath(self.member.name).name

    @property
    def size(self) -> int:
        """Its bytes."""
        return self.path.stat().st_size if self.member is None else self.member.size

    def read(self) -> bytes:
        """The whole content.

        Raises:
            InputError: If it cannot be read, or is larger than 1 GiB.
        """
        try:
            if self.size > _MOST_BYTES:
                raise InputError(f"{self.place}: has {self.size / 2**30:.1f} GiB, far more than it should. Remove it.")
            if self.member is None:
                return self.path.read_bytes()
            with opened_archive(self.path) as archive:
                return archive.read(self.member)
        except OSError as error:
            reason = error.strerror or error
            raise InputError(f"{self.place}: cannot be read ({reason}). Check the path and its permissions.") from error


@dataclass(frozen=True)
class Downloads:
    """What was found in a folder of downloads.

    Attributes:
        root: The folder.
        files: The files of each name that was looked for, in lower case; sorted by their places.
        faults: One line for each archive that cannot be read, and for each download that has not finished.
    """

    root: Path
    files: dict[str, list[FoundFile]]
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class ListedFiles:
    """All files of a folder of downloads, those in its archives among them.

    Attributes:
        root: The folder.
        files: The files, sorted by their paths; those of an archive in its order.
        faults: One line for each archive that cannot be read, and for each download that has not finished.
    """

    root: Path
    files: list[FoundFile]
    faults: list[str]

    def named(self, names: Collection[str]) -> Downloads:
        """The files of some names, in whatever case.

        Args:
            names: Names without folders.
        """
        found: dict[str, list[FoundFile]] = {name: [] for name in sorted({name.lower() for name in names})}
        for file in self.files:
            if file.name.lower() in found:
                found[file.name.lower()].append(file)
        return Downloads(self.root, found, self.faults)


def find_downloads(root: Path, names: Collection[str]) -> Downloads:
    """Looks for files by their names, in whatever case.

    Args:
        root: The folder.
        names: Names without folders.

    Raises:
        InputError: If the folder cannot be listed.
    """
    return list_downloads(root).named(names)


def list_downloads(root: Path, left_out: Path | None = None) -> ListedFiles:
    """Lists a folder of downloads, its subfolders, and the archives in them.

    Args:
        root: The folder.
        left_out: A folder that is not looked into, though it may lie there.

    Raises:
        InputError: If the folder cannot be listed.
    """
    files: list[FoundFile] = []
    faults: list[str] = []
    for path in _paths(root, left_out):
        name = path.name.lower()
        if name.endswith(ARCHIVE_ENDINGS):
            try:
                with opened_archive(path) as archive:
                    files += [FoundFile(path, member) for member in archive.members()]
            except InputError as error:
                faults.append(str(error))
        elif name.endswith(UNFINISHED_ENDINGS):
            faults.append(f"{path}: is a download that has not finished. Finish it, or remove it.")
        else:
            files.append(FoundFile(path))
    return ListedFiles(root, files, faults)


def _paths(root: Path, left_out: Path | None) -> list[Path]:
    """All files below a folder, through links to folders, each once; sorted."""
    if not root.is_dir():
        raise InputError(f"{root}: is no folder. Give the folder of the downloads.")
    paths, seen = [], set[tuple[int, int]]()

    def refuse(error: OSError) -> None:
        raise InputError(f"{error.filename}: cannot be listed ({error.strerror}). Check its permissions.") from error

    for folder, subfolders, names in os.walk(root, followlinks=True, onerror=refuse):
        status = os.stat(folder)
        is_left_out = left_out is not None and left_out.exists() and os.path.samefile(folder, left_out)
        if (identity := (status.st_dev, status.st_ino)) in seen or is_left_out:
            subfolders.clear()
            continue
        seen.add(identity)
        subfolders[:] = sorted(name for name in subfolders if not is_hidden(name))
        paths += [Path(folder) / name for name in names if not is_hidden(name) and (Path(folder) / name).is_file()]
    return sorted(paths)
