"""Errors that name the user's input that cannot be used, and the remedy."""

from pathlib import Path
from typing import NoReturn


class InputError(ValueError):
    """A fault in the user's input; its message is one line that names the file, the fault and the remedy."""


def reason(error: BaseException) -> str:
    """The message of an error, without the traceback that a data loader's worker puts in front of it."""
    kind = type(error)
    message = str(error).rpartition(f"{kind.__module__}.{kind.__name__}: ")[2].strip()
    return message or kind.__name__


def cannot_write(path: Path, error: OSError, option: str) -> InputError:
    """The error of a file or folder that cannot be written.

    Args:
        path: The file or folder.
        error: The error of the operating system.
        option: The option that names the file or folder, such as "--out".
    """
    return InputError(
        f"{path}: cannot be written ({error.strerror or error}). Set {option} to a place that can, with room for it."
    )


class OneLineErrors:
    """A mixin for argument parsers whose errors are one line, without the usage text."""

    prog: str

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Raises the parser's error as an InputError."""
        raise InputError(f"{' '.join(message.split())} (all options: {self.prog} --help)") from ex
