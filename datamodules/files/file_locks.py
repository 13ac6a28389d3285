"""Locks by which processes wait for each other, also where the file system has none."""

import errno
import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

_log = logging.getLogger(__name__)

# what network file systems and FUSE answer that are mounted without locks
_WITHOUT_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS)
_warned: set[str] = set()  # folders that the user has been told about, in this process


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Makes other processes that lock the same file wait. Where the file system has no locks, none waits, after a warning.

    Raises:
        OSError: If the file cannot be opened for writing.
    """
    with path.open("w", encoding="utf-8") as file:
        lock(file, path)
        yield


def lock(file: IO[str], path: Path, waits: bool = True) -> None:
    """Locks an open file until it is closed. Where the file system has no locks, this is a warning.

    Args:
        file: The file, open for writing.
        path: Its name.
        waits: Whether to wait for a process that has locked it.

    Raises:
        BlockingIOError: If another process has locked it, and `waits` is False.
    """
    try:
        fcntl.flock(file, fcntl.LOCK_EX if waits else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in _WITHOUT_LOCKS:
            raise
        folder = os.path.abspath(path.parent)
        if folder not in _warned:
            _warned.add(folder)
            _log.warning(
                "%s: the file system has no locks (%s), so commands cannot wait for each other. Run one at a time there, "
                "or use a folder on another file system.",
                folder,
                error.strerror,
            )
