"""What it means when a process that makes samples ends all of a sudden."""

import re
import signal
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from datamodules.errors import InputError

# exit statuses of a command that was stopped, as shells state them
INTERRUPTED, STOPPED = 128 + signal.SIGINT, 128 + signal.SIGTERM

_LOST = re.compile(r"DataLoader worker .* (?:is killed by signal: (\w+)|exited unexpectedly)")


@contextmanager
def named_lost_workers(is_stopped: Callable[[], bool] = lambda: False) -> Iterator[None]:
    """Turns the loss of a process that makes samples into an end of the command, or into one line.

    PyTorch raises it in the midst of whatever the main process does. Schedulers send SIGTERM to all processes of a job, so
    that a process that was terminated means that the job is to stop; SIGKILL is how systems end what takes too much memory.

    Args:
        is_stopped: Whether the command itself was told to stop, which decides where PyTorch does not name the signal.

    Raises:
        SystemExit: If the process was terminated.
        InputError: If it was killed, or nothing is known of its end.
    """
    try:
        yield
    except RuntimeError as error:
        if not (lost := _LOST.findall("".join(traceback.format_exception(error)))):
            raise
        if "Terminated" in lost or is_stopped():
            raise SystemExit(STOPPED) from error
        if set(lost) <= {"Killed", ""}:
            raise InputError(
                "a process that makes samples ended all of a sudden, most likely because memory ran out. Set "
                "--data.num_workers or --data.batch_size lower."
            ) from error
        raise
