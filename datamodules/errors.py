"""Errors that name the user's input that cannot be used, and the remedy."""

import re
import sys
import traceback
from pathlib import Path
from typing import NoReturn

from datamodules.addresses import masked

_CHECKOUT = Path(__file__).resolve().parents[1]
_PACKAGES = ("datamodules", "lightning_module", "sweeps")


class InputError(ValueError):
    """A fault in the user's input; its message is one line that names the file, the fault and the remedy.

    Addresses in it show no password.
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(masked(message))


class DivergedError(InputError):
    """A training whose figures are no longer finite numbers."""


def reason(error: BaseException) -> str:
    """The message of an error, without the traceback that a data loader's worker puts in front of it."""
    kind = type(error)
    message = str(error).rpartition(f"{kind.__module__}.{kind.__name__}: ")[2].strip()
    return message or kind.__name__


def described(error: BaseException) -> str:
    """Type, message and location of an error from code outside the project, on one line."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if _is_users(frame.filename)]
    place = f", {own[-1].filename}:{own[-1].lineno}" if own else ""
    return f"{type(error).__name__}: {' '.join(str(error).split())}{place}"


def _is_users(file: str) -> bool:
    """Whether a file belongs neither to this project's packages, nor to Python, nor to an installed package."""
    path = Path(file)
    is_ours = any(path.is_relative_to(_CHECKOUT / package) for package in _PACKAGES)
    return path.is_file() and not is_ours and "site-packages" not in file and not path.is_relative_to(sys.base_prefix)


def complaint(message: str) -> str:
    """The message of an argument parser on one line, without the types and values that it repeats at length."""
    line = " ".join(message.split())
    for noise in (
        r"Does not validate against any of the Union subtypes Subtypes: \[.*?\] Errors: ",
        r"- Expected a path but .*? either not accessible or invalid (?=- )",
        r"Type collections\.abc\.Callable\[.*?\] expects a function or a callable class: ",
        r" - Expected a <class 'NoneType'>",
    ):
        line = re.sub(noise, "", line)
    line = re.sub(r"'utf-8' codec can't encode .*? surrogates not allowed", "the name is no UTF-8. Rename it", line)
    line = re.sub(r" Given value type: .* Given value: (.{1,60})$", r". Got value: \1", line)
    line = re.sub(r" Given value type: .*", "", line)
    return re.sub(r"(^|: )(- )+", r"\1", line)


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
        raise InputError(f"{complaint(message)} (all options: {self.prog} --help)") from ex
