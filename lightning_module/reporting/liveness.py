"""Whether a process lives still: numbers of processes are given out again, so when one started belongs to its name."""

import os
from pathlib import Path


def process_name(pid: int) -> str:
    """A process's number and when it started, where the system tells."""
    try:
        started = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return str(pid)
    return f"{pid} {started}"


def is_running(name: str) -> bool:
    """Whether the process of this name, of this machine, runs."""
    pid = int(name.split()[0])
    return _exists(pid) and process_name(pid) == name


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
