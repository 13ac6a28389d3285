"""Files that are written as a whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkstemp


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A name to write to; the file gets its own name when all of it is there.

    The name is always the same, so that what an interrupted command leaves is overwritten when it goes on.
    """
    partial = path.with_name(f".{path.name}")
    yield partial
    os.replace(partial, path)


def keep(path: Path, data: bytes) -> None:
    """Writes a file of a cache, whichever processes do so at once; one that cannot be written is done without."""
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
