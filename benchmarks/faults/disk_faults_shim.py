"""Makes writing fail in this process, as on a full disk or a read-only file system."""

import errno
import os
import resource
import sqlite3
from collections.abc import Callable, Sequence

from benchmarks.faults.forked_job import Note
from benchmarks.faults.written_paths import watch_writes

_REMOVALS = ("os.remove", "os.rmdir")  # succeed on a full disk
_SQLITE = {
    errno.ENOSPC: "database or disk is full",
    errno.EROFS: "unable to open database file",
}


def note_places(note: Note) -> Callable[[], None]:
    """A patch that notes, as kind "place", each place at which this process writes, once."""
    known = set[str]()

    def watch(event: str, paths: Sequence[str], place: str) -> None:
        if place not in known and _changes(event, paths):
            known.add(place)
            note("place", place)

    return lambda: watch_writes(watch)


def failing_place(place: str, code: int) -> Callable[[], None]:
    """A patch with which a place fails.

    Space may be there again a moment later, so ENOSPC fails the first write only; a read-only file system stays one, so
    EROFS fails all of them.

    Args:
        place: The place, as `note_places` names it.
        code: errno.ENOSPC or errno.EROFS.
    """
    failed: list[str] = []

    def watch(event: str, paths: Sequence[str], found: str) -> None:
        if found != place or not _changes(event, paths) or (code == errno.ENOSPC and failed):
            return
        failed.append(found)
        if event == "sqlite3.connect":
            raise sqlite3.OperationalError(_SQLITE[code])
        raise OSError(code, os.strerror(code), paths[-1])

    return lambda: watch_writes(watch)


def limited_files(size_bytes: int) -> Callable[[], None]:
    """A patch with which no file can grow beyond a size, whatever library writes it."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, resource.RLIM_INFINITY))


def can_be_full(place: str) -> bool:
    """Whether a place can fail for lack of space."""
    return not any(f" {event} " in place for event in _REMOVALS)


def _changes(event: str, paths: Sequence[str]) -> bool:
    """Whether an event would change the disk; the system answers others before it looks at space or permission."""
    if event == "os.mkdir":
        return not os.path.lexists(paths[0])
    return event not in _REMOVALS or os.path.lexists(paths[0])
