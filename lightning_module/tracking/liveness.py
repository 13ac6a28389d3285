"""Whether the process that made a run is still alive.

Process ids are reused, so a process is named by its id and its start time. Only its own machine can answer: hostnames
are not unique, so a machine is named by its hostname, boot id and process namespace.
"""

import os
import socket
from functools import cache
from pathlib import Path

_STATE, _STARTED = 0, 19  # fields of /proc/<pid>/stat, counted from behind the process's name


@cache
def machine_name() -> str:
    """Name of this machine or container: hostname, boot id and process namespace."""
    parts = [socket.gethostname()]
    try:
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8")[:8])
        parts.append(os.readlink("/proc/self/ns/pid").strip("pid:[]"))
    except OSError:
        pass
    return " ".join(parts)


def process_name(pid: int) -> str:
    """Id and start time of a process; the id alone on systems without /proc."""
    fields = _stat_fields(pid)
    return f"{pid} {fields[_STARTED]}" if fields else str(pid)


def is_running(name: str) -> bool:
    """Whether the process that `process_name` named runs on this machine."""
    pid = int(name.split()[0])
    fields = _stat_fields(pid)
    if fields and fields[_STATE] in "ZX":  # dead, and not yet waited for by its parent
        return False
    return _exists(pid) and process_name(pid) == name


def _stat_fields(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
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
