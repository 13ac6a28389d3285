"""Whether a process lives still: numbers of processes are given out again, so when one started belongs to its name.

Only the machine that a process runs on can say: names of machines are given twice, so which start of which system, and
which of its spaces of processes, belong to theirs.
"""

import os
import socket
from functools import cache
from pathlib import Path

_STATE, _STARTED = 0, 19  # places in what /proc says of a process behind its name


@cache
def machine_name() -> str:
    """Of this machine, or container."""
    parts = [socket.gethostname()]
    try:
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text()[:8])
        parts.append(os.readlink("/proc/self/ns/pid").strip("pid:[]"))
    except OSError:
        pass
    return " ".join(parts)


def process_name(pid: int) -> str:
    """A process's number and when it started, where the system tells."""
    said = _said(pid)
    return f"{pid} {said[_STARTED]}" if said else str(pid)


def is_running(name: str) -> bool:
    """Whether the process of this name, of this machine, runs."""
    pid = int(name.split()[0])
    said = _said(pid)
    if said and said[_STATE] in "ZX":  # dead, and not yet buried by the process that started it
        return False
    return _exists(pid) and process_name(pid) == name


def _said(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
