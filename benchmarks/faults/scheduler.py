"""Runs cases two at a time, each in a slot of its own, and judges how their children ended."""

import re
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.faults.forked_job import Ending, ForkedJob, Job, Note
from benchmarks.faults.slots import Slot, run_command
from benchmarks.faults.specimens import specimens_job
from benchmarks.faults.written_paths import note_foreign_writes
from lightning_module.project import PROJECT

MOST_BYTES = 2_000_000_000  # of resident memory
_POLL_SECONDS = 0.02
_SHOWN = 200  # characters of an output
_USER_ERROR, _INTERRUPTED = 2, 130  # exit statuses of run.py
_FRAME = re.compile(r'File "([^"]+)", line (\d+), in (\S+)')
_TRACEBACK = "Traceback (most recent call last)"


@dataclass(frozen=True)
class Fault:
    """Something that must not happen.

    Attributes:
        kind: "traceback", "exit", "signal", "hang", "memory", "outside", "lines", or a kind of a part's own.
        place: What faults of one cause have in common, such as the error and the line that let it through.
        detail: One line about the case.
    """

    kind: str
    place: str
    detail: str = ""


Steps = Generator[Job, Ending, list[Fault]]


@dataclass(frozen=True)
class Case:
    """A case of the campaign.

    Attributes:
        name: Its name in its part, from which it can be repeated.
        steps: Yields jobs in a slot, receives their endings, and returns the faults.
    """

    name: str
    steps: Callable[[Slot], Steps]


@dataclass(frozen=True)
class CaseResult:
    """The outcome of a case; `output` is that of its last child."""

    case: Case
    faults: list[Fault]
    seconds: float
    output: str


def make_slots(folder: Path, count: int) -> list[Slot]:
    """Slots with specimens.

    Raises:
        RuntimeError: If the specimens cannot be made.
    """
    slots = [Slot(folder / f"slot-{number}") for number in range(count)]
    for slot in slots:
        slot.clear()
    running = [ForkedJob(specimens_job(slot)) for slot in slots]
    for slot, child in zip(slots, running, strict=True):
        while (ending := child.poll()) is None:
            time.sleep(_POLL_SECONDS)
        if ending.code:
            raise RuntimeError(f"the specimens cannot be made:\n{ending.output}")
        slot.keep()
    return slots


def run_cases(cases: Iterable[Case], slots: Sequence[Slot]) -> Iterator[CaseResult]:
    """The results of cases, in the order in which they end."""
    waiting = iter(cases)
    running: dict[Slot, _RunningCase] = {}
    while True:
        for slot in slots:
            if slot not in running and (case := next(waiting, None)) is not None:
                running[slot] = _RunningCase(case, slot)
        if not running:
            return
        for slot, course in list(running.items()):
            if (result := course.poll()) is not None:
                del running[slot]
                yield result
        time.sleep(_POLL_SECONDS)


class _RunningCase:
    def __init__(self, case: Case, slot: Slot) -> None:
        slot.restore()
        self._case = case
        self._slot = slot
        self._steps = case.steps(slot)
        self._start = time.monotonic()
        self._child = ForkedJob(next(self._steps))

    def poll(self) -> CaseResult | None:
        ending = self._child.poll()
        if ending is None:
            return None
        try:
            self._child = ForkedJob(self._steps.send(ending))
        except StopIteration as end:
            faults = list(dict.fromkeys(self._without_place(fault) for fault in end.value))
            return CaseResult(self._case, faults, time.monotonic() - self._start, ending.output)
        return None

    def _without_place(self, fault: Fault) -> Fault:
        """The same fault in any slot of any campaign."""
        return replace(fault, place=self._neutral(fault.place), detail=self._neutral(fault.detail))

    def _neutral(self, text: str) -> str:
        return text.replace(str(self._slot.path), "SLOT").replace(str(self._slot.path.parent), "CAMPAIGN")


def command_job(slot: Slot, arguments: Callable[[], Sequence[str]], patch: Callable[[], None] | None = None) -> Job:
    """A job that runs a command in a slot, and notes what it writes outside of it.

    Args:
        slot: The slot.
        arguments: Called in the child: makes what the command reads, and returns the command line.
        patch: Called in the child before the command, to plant a fault.
    """

    def run(note: Note) -> int:
        slot.enter()
        said = arguments()
        if patch is not None:
            patch()
        note_foreign_writes(slot.allowed, note)
        return run_command(said, note)

    return Job(run)


def faults_of(ending: Ending, slot: Slot) -> list[Fault]:
    """What must not happen in any child, whatever its input."""
    faults = [Fault(kind, *_halves(text)) for kind, text in ending.notes if kind in ("outside", "lines")]
    faults += [Fault("outside", path.removeprefix(str(slot.path))) for path in slot.strays()]
    if _TRACEBACK in ending.output:
        faults.append(Fault("traceback", *_summary(ending.output)))
    if ending.is_hung:
        faults.append(Fault("hang", "", _end(ending.output)))
    elif ending.signal and not ending.is_killed:
        faults.append(Fault("signal", f"signal {ending.signal}", _end(ending.output)))
    elif not ending.is_killed and ending.code not in (0, _USER_ERROR, _INTERRUPTED) and _TRACEBACK not in ending.output:
        faults.append(Fault("exit", f"status {ending.code}", _end(ending.output)))
    if ending.peak_bytes > MOST_BYTES:
        faults.append(Fault("memory", "", f"{ending.peak_bytes / 1e9:.1f} GB"))
    return list(dict.fromkeys(faults))


def _halves(note: str) -> tuple[str, str]:
    """Place and detail of a note."""
    place, _, detail = note.partition(" <- ")
    return place, detail


def _end(output: str) -> str:
    return " ".join(output[-_SHOWN:].split())


def _summary(output: str) -> tuple[str, str]:
    """The kind of the last traceback's error with the innermost line of the project, and its message."""
    last = output[output.rindex(_TRACEBACK) :].splitlines()
    error = next((line for line in last[1:] if line and not line.startswith((" ", "\t"))), "no error")
    ours = _own_frames(last) or _own_frames(output.splitlines())  # of the error, or of what led to it
    return f"{error.partition(':')[0]} at {ours[-1] if ours else 'outside of the project'}", error[:_SHOWN]


def _own_frames(lines: Sequence[str]) -> list[str]:
    """File, line and function of the project's frames in tracebacks."""
    found = [(Path(match[1]), match[2], match[3]) for match in map(_FRAME.search, lines) if match]
    return [
        f"{path.relative_to(PROJECT)}:{line} {function}"
        for path, line, function in found
        if path.is_relative_to(PROJECT) and not path.is_relative_to(PROJECT / "benchmarks")
    ]
