"""The temporary folder of a demo, which goes with it; what a killed demo has left goes when the next one starts."""

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from datamodules.errors import InputError
from datamodules.files.file_locks import lock

_PREFIX = "weightmask-demo-"
_NEW = f".{_PREFIX}"  # until it is locked, so that no other demo takes it for one that was left
_LOCK = "lock"


@contextmanager
def demo_folder() -> Iterator[Path]:
    """A new folder that only this user can read, removed at the end with all that it holds.

    Raises:
        InputError: If the temporary folder cannot be written.
    """
    parent = Path(tempfile.gettempdir())
    _remove_left(parent)
    try:
        made = Path(tempfile.mkdtemp(prefix=_NEW, dir=parent))
        file = (made / _LOCK).open("w", encoding="utf-8")
        lock(file, made / _LOCK)
        folder = made.rename(parent / made.name.removeprefix("."))
    except OSError as error:
        raise InputError(
            f"{parent}: cannot be written ({error.strerror or error}). Set TMPDIR to a folder that can, with room for it."
        ) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        file.close()


def _remove_left(parent: Path) -> None:
    """Removes the folders of this user's demos that no longer run."""
    for folder in parent.glob(f"{_PREFIX}*"):
        with suppress(OSError):  # another demo may be removing it
            found = folder.lstat()
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
                continue
            with (folder / _LOCK).open("w", encoding="utf-8") as file:
                lock(file, folder / _LOCK, waits=False)
                shutil.rmtree(folder, ignore_errors=True)
