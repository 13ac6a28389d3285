"""What Lightning refuses, as one line: options that do not go together, or do not suit the machine, data or callbacks."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lightning_fabric.utilities.exceptions import MisconfigurationException
from pytorch_lightning.utilities.exceptions import SIGTERMException

from datamodules.errors import InputError, complaint, described

_LIGHTNING = ("pytorch_lightning", "lightning_fabric")
_REMEDY = "Correct the options of --trainer, or leave them out."


@contextmanager
def refusals_of_trainer() -> Iterator[None]:
    """Turns whatever the constructor of the trainer raises into one line; which exceptions these are differs by option.

    Raises:
        InputError: If the constructor fails.
    """
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        raise _refusal(error) from error


@contextmanager
def refusals_while_running() -> Iterator[None]:
    """Turns errors that Lightning itself raises into one line; those of other code keep their traceback.

    Raises:
        InputError: If Lightning cannot run what it is given.
    """
    try:
        yield
    except (InputError, SIGTERMException):
        raise
    except Exception as error:
        if isinstance(error, MisconfigurationException) or _is_raised_by_lightning(error):
            raise _refusal(error) from error
        raise


def _refusal(error: Exception) -> InputError:
    return InputError(f"Lightning cannot run with these options ({complaint(described(error))}). {_REMEDY}")


def _is_raised_by_lightning(error: Exception) -> bool:
    frames = traceback.extract_tb(error.__traceback__)
    return bool(frames) and any(name in Path(frames[-1].filename).parts for name in _LIGHTNING)
