"""Where caches lie, also for users who have no home folder, or none that can be written."""

import logging
import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from datamodules.errors import InputError

_log = logging.getLogger(__name__)

_NAME = "weightmask"
_CHECKOUT = Path(__file__).resolve().parents[2]


def default_cache() -> Path:
    """The folder of indices and synthetic faces.

    Raises:
        InputError: If the user has no home folder, and none was provided.
    """
    home = _cache_home()
    if home is None:
        raise InputError(
            "there is no home folder for the cache. Set --data.index.cache_dir or XDG_CACHE_HOME to a folder."
        )
    return home / _NAME


def provide_cache_home() -> None:
    """Gives libraries a folder for their caches where the user's home folder is unknown or cannot be written.

    This is so for `docker --user`, and for accounts of services. The folder is one of this user's below the temporary
    folder, named by variables that child processes inherit: XDG_CACHE_HOME, NUMBA_CACHE_DIR and MPLCONFIGDIR, unless they
    are set, and HOME where there is none. To be called before numba, matplotlib or torch are imported.

    Raises:
        InputError: If there is no temporary folder that can be written either.
    """
    if os.environ.get("XDG_CACHE_HOME"):
        return
    cache = _cache_home()
    if cache is not None and _can_write(cache):
        return
    place = _private_folder()
    if not Path(os.path.expanduser("~")).is_dir():  # it stays ~ where nothing is known
        os.environ["HOME"] = str(place)
    if cache is None or not (cache / _NAME).is_dir():  # one that is complete may be read-only
        os.environ["XDG_CACHE_HOME"] = str(place)
    os.environ.setdefault("MPLCONFIGDIR", str(place / "matplotlib"))
    if not os.access(_CHECKOUT / "datamodules", os.W_OK):  # else compiled code lies beside its source
        os.environ.setdefault("NUMBA_CACHE_DIR", str(place / "numba"))
    _log.warning(
        "There is no home folder that can be written, so caches are kept in %s. Set XDG_CACHE_HOME to a folder that lasts.",
        place,
    )


def _cache_home() -> Path | None:
    """The folder of the caches of all programs; None if the user's home folder is unknown."""
    if given := os.environ.get("XDG_CACHE_HOME"):
        return Path(given)
    try:
        return Path.home() / ".cache"
    except RuntimeError:
        return None


def _can_write(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _private_folder() -> Path:
    """A folder below the temporary one that only this user can write: compiled code and pictures are read from it."""
    try:
        place = Path(tempfile.gettempdir()) / f"{_NAME}-{os.getuid()}"
        with suppress(FileExistsError):
            place.mkdir(mode=0o700)
        found = place.lstat()
        is_own = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o022
        return place if is_own and _can_write(place) else Path(tempfile.mkdtemp(prefix=f"{_NAME}-"))
    except OSError as error:
        raise InputError(
            f"no temporary file can be written ({error.strerror or error}), and there is no home folder. Set TMPDIR, or "
            "XDG_CACHE_HOME, to a folder that can be written, with room for it."
        ) from error
