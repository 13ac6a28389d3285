"""Writes files and folders completely or not at all, also where the power fails.

A rename alone is not enough: after a power cut, a file that has its name may still be empty, cut or full of zeros. Its
content is therefore flushed to the disk before it is renamed, and the folder that holds the name after it.
"""

import errno
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

# what file systems answer that flush files, or folders, by themselves
_NEVER_FLUSHED = (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EBADF, errno.EACCES, errno.EPERM)
_THREADS = 16  # a disk flushes many files that wait together in one go: 25 times as fast as one after the other


@contextmanager
def whole_file(path: Path, is_flushed: bool = True) -> Iterator[Path]:
    """Gives a temporary name to write to; the file gets its own name when it is complete.

    The temporary name is always the same, so that a repeated command overwrites what a killed one has left.

    Args:
        path: The file.
        is_flushed: Whether to wait until the disk has it; False where `flush_folder` follows for many files together.
    """
    partial = path.with_name(f".{path.name}")
    try:
        yield partial
        if is_flushed:
            put_in_place(partial, path)
        else:
            os.replace(partial, path)
    except BaseException:
        with suppress(OSError):
            partial.unlink()  # a full disk needs its room
        raise


def write_whole(path: Path, data: bytes | memoryview | str) -> None:
    """Writes the content of a file at once; text is UTF-8."""
    with whole_file(path) as partial:
        partial.write_bytes(data.encode("utf-8") if isinstance(data, str) else data)


def put_in_place(partial: Path, path: Path) -> None:
    """Gives a file, or a folder whose files are flushed, its own name, when the disk has its content."""
    flush(partial)
    os.replace(partial, path)
    flush(path.parent)


def flush(path: Path) -> None:
    """Waits until the disk has the content of a file, or the names in a folder."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except PermissionError:  # a folder that may be written, but not listed
        return
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in _NEVER_FLUSHED:
            raise
    finally:
        os.close(handle)


def flush_folder(folder: Path) -> None:
    """Waits until the disk has all files below a folder, and their names."""
    paths = [Path(place) / name for place, _, names in os.walk(folder) for name in (*names, "")]
    with ThreadPoolExecutor(_THREADS) as threads:
        list(threads.map(flush, paths))
