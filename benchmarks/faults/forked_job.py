"""Runs a function in a forked child, which starts in milliseconds because its parent has imported everything.

The parent must have one thread of computation only, otherwise children wait for threads that they do not have.
"""

import fcntl
import io
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

_PIPE_BYTES = 1 << 20  # so that a child rarely waits until its output is read
_F_SETPIPE_SZ = 1031
_READ_BYTES = 1 << 16
_KIB = 1024  # ru_maxrss is in units of this

Note = Callable[[str, str], None]  # takes a kind and one line


@dataclass(frozen=True)
class Job:
    """What a child does.

    Attributes:
        run: Called in the child with a function that takes notes; returns the exit status.
        limit_s: Seconds after which the child is killed as one that hangs.
        kill_after_s: Seconds after which the child and all its descendants are killed on purpose; None for never.
        has_begun: The seconds of `kill_after_s` and `Ending.seconds` count from the moment when this first holds.
    """

    run: Callable[[Note], int]
    limit_s: float = 30.0
    kill_after_s: float | None = None
    has_begun: Callable[[], bool] = lambda: True


@dataclass(frozen=True)
class Ending:
    """How a child ended.

    Attributes:
        code: Exit status, or None after a signal.
        signal: Number of the signal that ended it, or 0.
        seconds: Duration, from the moment when it had begun.
        peak_bytes: Largest resident memory of the child and those of its descendants that it waited for.
        output: What it printed.
        notes: Kind and line of each note, in order.
        is_hung: Whether it was killed after its limit.
        is_killed: Whether it was killed on purpose.
    """

    code: int | None
    signal: int
    seconds: float
    peak_bytes: int
    output: str
    notes: list[tuple[str, str]] = field(default_factory=list)
    is_hung: bool = False
    is_killed: bool = False


class ForkedJob:
    """A job that runs in a child of its own session."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._output, output = _pipe()
        self._notes, notes = _pipe()
        self._texts: dict[int, bytearray] = {self._output: bytearray(), self._notes: bytearray()}
        self._start = time.monotonic()
        self._begun: float | None = None
        self._is_hung = self._is_killed = False
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        self._pid = os.fork()
        if self._pid == 0:
            _live(job, output, notes)
        for end in (output, notes):
            os.close(end)

    def poll(self) -> Ending | None:
        """How the child ended, or None while it runs; kills it when its time is over."""
        now = time.monotonic()
        if self._begun is None and self._job.has_begun():
            self._begun = now
        self._drain()
        pid, status, usage = os.wait4(self._pid, os.WNOHANG)
        if pid == 0:
            self._end_in_time(now)
            return None
        seconds = now - (self._begun or now)
        kill_descendants(self._pid, only_group=True)
        self._drain()
        for end in self._texts:
            os.close(end)
        ended_by = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        return Ending(
            None if ended_by else os.WEXITSTATUS(status),
            ended_by,
            seconds,
            usage.ru_maxrss * _KIB,
            self._texts[self._output].decode(errors="replace"),
            [_note(line) for line in self._texts[self._notes].decode(errors="replace").splitlines()],
            self._is_hung,
            self._is_killed,
        )

    def _end_in_time(self, now: float) -> None:
        if now - self._start > self._job.limit_s:
            self._is_hung = True
        elif self._job.kill_after_s is not None and self._begun is not None:
            self._is_killed = now - self._begun >= self._job.kill_after_s
        if self._is_hung or self._is_killed:
            kill_descendants(self._pid)

    def _drain(self) -> None:
        for end, text in self._texts.items():
            try:
                while part := os.read(end, _READ_BYTES):
                    text += part
            except BlockingIOError:
                pass


def kill_descendants(pid: int, only_group: bool = False) -> None:
    """Kills a process that leads its group, with its group and its descendants in other groups.

    Args:
        pid: The process.
        only_group: Whether its descendants in other groups live on, as those of a process that has ended.
    """
    pids = [] if only_group else descendants(pid)
    for kill, target in [(os.killpg, pid), *((os.kill, other) for other in pids)]:
        with suppress(ProcessLookupError, PermissionError):
            kill(target, signal.SIGKILL)


def descendants(pid: int) -> list[int]:
    """The children of a process, their children, and so on."""
    found: list[int] = []
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in map(int, (task / "children").read_text(encoding="utf-8").split()):
                found += [child, *descendants(child)]
    except (FileNotFoundError, ProcessLookupError):
        pass  # it has ended meanwhile
    return found


def _pipe() -> tuple[int, int]:
    ours, childs = os.pipe()
    os.set_blocking(ours, False)
    fcntl.fcntl(childs, _F_SETPIPE_SZ, _PIPE_BYTES)
    return ours, childs


def _note(line: str) -> tuple[str, str]:
    kind, _, text = line.partition("\t")
    return kind, text


def _live(job: Job, output: int, notes: int) -> None:
    """The child's life, which ends here."""
    code = 1
    try:
        os.setsid()
        for number, end in enumerate((os.open(os.devnull, os.O_RDONLY), output, output)):
            os.dup2(end, number)
        sys.stdin = io.TextIOWrapper(open(0, "rb", closefd=False))  # noqa: SIM115
        sys.stdout, sys.stderr = (_text_stream(number) for number in (1, 2))

        def note(kind: str, text: str) -> None:
            os.write(notes, f"{kind}\t{' '.join(text.split())}\n".encode(errors="replace"))

        code = job.run(note)
    except BaseException:  # noqa: BLE001
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(code)


def _text_stream(number: int) -> io.TextIOWrapper:
    raw = open(number, "wb", buffering=0, closefd=False)  # noqa: SIM115
    return io.TextIOWrapper(raw, encoding="utf-8", errors="backslashreplace", write_through=True)
