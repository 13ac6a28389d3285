"""Errors that tell a user which input cannot be used, and why."""

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
        error: What the operating system says.
        option: The option that names it, such as "--out".
    """
    return InputError(
        f"{path}: cannot be written ({error.strerror or error}). Set {option} to a folder that can, with room."
    )


class OneLineErrors:
    """A mixin for argument parsers: a complaint is one line, without the hundred lines of all options before it."""

    prog: str

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Raises the parser's complaint."""
        raise InputError(f"{' '.join(message.split())} (all options: {self.prog} --help)") from ex
