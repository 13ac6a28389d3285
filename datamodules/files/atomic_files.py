"""Writes files completely or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkstemp


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Gives a temporary name to write to; the file gets its own name when it is complete.

    The temporary name is always the same, so that a repeated command overwrites what an interrupted one has left.
    """
    partial = path.with_name(f".{path.name}")
    yield partial
    os.replace(partial, path)


def keep(path: Path, data: bytes) -> None:
    """Writes a file of a cache. Several processes may write it at once; a file that cannot be written is skipped."""
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, partial = mkstemp(dir=path.parent, prefix=f".{path.name}-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            os.replace(partial, path)
        except OSError:
            os.unlink(partial)
            raise
