"""What is raised when something on disk, or asked for, cannot be used."""

from typing import NoReturn


class InputError(ValueError):
    """A fault in the user's input; its message is one line that names the file, the fault and the remedy."""


def reason(error: BaseException) -> str:
    """What an error says, without the traceback that comes in front when a data loader's worker raised it."""
    kind = type(error)
    said = str(error).rpartition(f"{kind.__module__}.{kind.__name__}: ")[2].strip()
    return said or kind.__name__


class OneLineErrors:
    """For argument parsers: a complaint is one line, without the hundred lines of all options before it."""

    prog: str

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Raises what the parser complains of."""
        raise InputError(f"{' '.join(message.split())} (all options: {self.prog} --help)") from ex
