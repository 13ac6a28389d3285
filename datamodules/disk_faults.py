"""Names the disk, the folder or the variable behind an error of the operating system that none of our files foresees."""

import errno
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from datamodules.errors import InputError

_FULL = (errno.ENOSPC, errno.EDQUOT)
# faults of a disk, of permissions or of limits, which no correct program can do without
_OUTSIDE = (
    *_FULL,
    errno.EROFS,
    errno.EACCES,
    errno.EPERM,
    errno.EIO,
    errno.ESTALE,
    errno.ENAMETOOLONG,
    errno.EFBIG,
    errno.ENFILE,
    errno.EMFILE,
)
_LITTLE = 2**20  # bytes; less than any command writes
_NUMBERED = re.compile(r"\[Errno (\d+)\] ([^:\n]*)(?:: '([^'\n]*)')?")  # as a worker process repeats an error
_SHARED_MEMORY = re.compile(r"shared memory|\bshm\b|Bus error")


@contextmanager
def named_disk_faults(arguments: Sequence[str] = ()) -> Iterator[None]:
    """Turns errors about disks, permissions and shared memory into one line that names the place and the remedy.

    Args:
        arguments: The command line, whose folders are looked at where an error does not say which disk is full.

    Raises:
        InputError: For these errors; all others are raised as they are.
    """
    try:
        yield
    except (OSError, RuntimeError) as error:
        if (message := outside_fault(error, arguments)) is None:
            raise
        raise InputError(message) from error


def outside_fault(error: Exception, arguments: Sequence[str] = ()) -> str | None:
    """The line about an error of disks, permissions or shared memory; None for any other error.

    Args:
        error: The error.
        arguments: The command line, whose folders are looked at where an error does not say which disk is full.
    """
    if isinstance(error, OSError):
        return _about_files(error, arguments)
    if isinstance(error, RuntimeError) and _SHARED_MEMORY.search(str(error)):
        return (
            f"worker processes cannot share memory ({_first_line(error)}). Set --data.num_workers 0, or make /dev/shm "
            "larger, as with docker run --shm-size 1g."
        )
    return None


def _about_files(error: OSError, arguments: Sequence[str]) -> str | None:
    number, reason, name = error.errno, error.strerror, error.filename
    if number is None and (repeated := _NUMBERED.search(str(error))):
        number, reason, name = int(repeated[1]), repeated[2], repeated[3]
    if "No usable temporary directory" in str(error):
        return f"no temporary file can be written ({reason}). Set TMPDIR to a folder that can, with room for it."
    if number not in _OUTSIDE:
        return None
    if name is not None and not isinstance(name, int):
        remedy = "Make room there" if number in _FULL else "Make it accessible"
        return f"{os.fsdecode(name)}: cannot be read or written ({reason}). {remedy}, or give another place.{_temporary(name)}"
    if number in _FULL:
        full = ", ".join(_full_places(arguments)) or "a folder that is written"
        return f"{full}: has no room ({reason}). Make room, or set TMPDIR, --data.index.cache_dir, --tracking.folder or --out to another disk."
    return f"a file cannot be read or written ({reason}). Check the limits of the system and the disk (ulimit -a, df)."


def _temporary(name: str | bytes) -> str:
    folder = tempfile.gettempdir()
    return " TMPDIR sets the temporary folder." if Path(os.fsdecode(name)).is_relative_to(folder) else ""


def _full_places(arguments: Sequence[str]) -> list[str]:
    """The folders of a command line, and the usual ones, that have hardly any room."""
    named = {argument: argument.rpartition("=")[2] for argument in arguments if os.sep in argument}
    usual = {
        "the working folder": os.curdir,
        "~/.cache": "~/.cache",
        f"{tempfile.gettempdir()} (TMPDIR)": tempfile.gettempdir(),
    }
    return [name for name, place in (named | usual).items() if _has_no_room(Path(place).expanduser().absolute())]


def _has_no_room(place: Path) -> bool:
    there = next(folder for folder in (place, *place.parents) if folder.exists())
    return shutil.disk_usage(there).free < _LITTLE


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
