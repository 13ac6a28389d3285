"""Files of a cache, whose content is known to be what was written: what is damaged is made anew."""

import logging
import os
from collections.abc import Callable
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from tempfile import mkstemp

from datamodules.files.atomic_files import put_in_place

_log = logging.getLogger(__name__)

_DIGEST_BYTES = 16  # at the end of each file


def keep(path: Path, data: bytes) -> None:
    """Writes a file of a cache. Several processes may write it at once; a file that cannot be written is skipped."""
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, partial = mkstemp(dir=path.parent, prefix=f".{path.name}-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data + _digest(data))
            put_in_place(Path(partial), path)
        except OSError:
            os.unlink(partial)
            raise


def kept(path: Path) -> bytes | None:
    """The content of a file that `keep` wrote; None if there is none, or it is damaged or of an earlier version."""
    try:
        stored = path.read_bytes()
    except OSError:
        return None
    data, digest = stored[:-_DIGEST_BYTES], stored[-_DIGEST_BYTES:]
    return data if digest == _digest(data) else None


def kept_or_made(path: Path, make: Callable[[], bytes]) -> bytes:
    """The content of a file of a cache, which is made and kept if there is none. What is damaged is said."""
    data = kept(path)
    if data is None:
        if os.path.lexists(path):
            _log.warning("%s: is damaged, or of an earlier version. It is made anew.", path)
        data = make()
        keep(path, data)
    return data


def _digest(data: bytes) -> bytes:
    return blake2b(data, digest_size=_DIGEST_BYTES).digest()
