"""Names in archives: which can be unpacked into a folder without leaving it."""

import re
from pathlib import Path, PurePosixPath

from datamodules.errors import InputError

_DRIVE = re.compile(r"^[A-Za-z]:")
_MOST_CHARACTERS = 1024


def checked_name(archive: Path, name: str) -> str:
    r"""The path of a file below the folder that the archive is unpacked into.

    Args:
        archive: The archive, for messages.
        name: The name in the archive; "\" counts as "/", as Windows has it.

    Raises:
        InputError: If the name leads out of that folder, or is no name of a file.
    """
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or _DRIVE.match(name):
        raise InputError(
            f"{archive}: holds {name[:_MOST_CHARACTERS]!r}, which lies outside the folder that it is unpacked into. "
            "Download it from its authors."
        )
    if not name.isprintable() or len(name) > _MOST_CHARACTERS:
        raise InputError(f"{archive}: holds {name[:40]!r}, which is no name of a file. Download it again.")
    return str(path)
