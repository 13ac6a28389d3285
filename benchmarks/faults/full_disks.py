"""Each place at which a command writes fails: the work goes on, or ends in one line, and succeeds afterwards."""

import errno
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from benchmarks.faults.disk_faults_shim import can_be_full, failing_place, limited_files, note_places
from benchmarks.faults.forked_job import Ending, Job
from benchmarks.faults.scheduler import Case, Fault, Steps, command_job, faults_of
from benchmarks.faults.slots import Slot
from benchmarks.faults.specimens import Inputs
from benchmarks.faults.watched_commands import DISK_COMMANDS, WatchedCommand

_SIZES = 8  # limits of file sizes, for each command
_LARGEST_BYTES = 4_000_000  # about a checkpoint
_ERRORS = {"ENOSPC": errno.ENOSPC, "EROFS": errno.EROFS}


@dataclass
class WritingPlaces:
    """The places at which commands write, by command, as an undisturbed run reaches them."""

    by_command: dict[str, list[str]] = field(default_factory=dict)


def place_cases(names: list[str], places: WritingPlaces) -> Iterator[Case]:
    """Runs each command once, and notes its writing places."""
    for name in names:
        yield Case(f"{name}:places", _recorded(DISK_COMMANDS[name], name, places))


def disk_cases(
    names: list[str],
    places: WritingPlaces,
    seed: int,
    most: int | None = None,
    patch: Callable[[], None] | None = None,
) -> Iterator[Case]:
    """The cases: every place with every error, and some largest sizes of files.

    Args:
        names: Names of `DISK_COMMANDS`.
        places: Their writing places.
        seed: Seed of the sizes, and of the choice of cases.
        most: Most cases of each command, chosen at random; by default all.
        patch: Called in each child, to plant a fault.
    """
    for name in names:
        command = DISK_COMMANDS[name]
        shims = {
            f"{error} {place}": failing_place(place, code)
            for place in places.by_command.get(name, [])
            for error, code in _ERRORS.items()
            if code != errno.ENOSPC or can_be_full(place)
        }
        rng = np.random.default_rng([seed, list(DISK_COMMANDS).index(name)])
        for size in np.exp(rng.uniform(0, np.log(_LARGEST_BYTES), _SIZES)).astype(int):
            shims[f"EFBIG beyond {size} bytes"] = limited_files(int(size))
        chosen = sorted(shims) if most is None else [*rng.permutation(sorted(shims))[:most]]
        for what in chosen:
            yield Case(f"{name}:{what}", _failed(command, shims[what], str(what), patch))


def _recorded(command: WatchedCommand, name: str, places: WritingPlaces) -> Callable[[Slot], Steps]:
    def steps(slot: Slot) -> Steps:
        ending = yield replace(
            _job(command, slot, None), run=lambda note: _job(command, slot, note_places(note)).run(note)
        )
        places.by_command[name] = sorted({text for kind, text in ending.notes if kind == "place"})
        return _faults(ending, slot, "undisturbed", may_fail=False)

    return steps


def _failed(
    command: WatchedCommand, shim: Callable[[], None], what: str, patch: Callable[[], None] | None
) -> Callable[[Slot], Steps]:
    def plant_and_fail() -> None:
        if patch is not None:
            patch()
        shim()

    def steps(slot: Slot) -> Steps:
        ending = yield _job(command, slot, plant_and_fail)
        faults = _faults(ending, slot, what, may_fail=True)
        afterwards = yield _job(command, slot, patch)
        return [*faults, *_faults(afterwards, slot, f"after {what}", may_fail=False)]

    return steps


def _job(command: WatchedCommand, slot: Slot, patch: Callable[[], None] | None) -> Job:
    inputs = Inputs(slot.given)

    def prepare() -> None:
        command.patch()
        if patch is not None:
            patch()

    return replace(command_job(slot, lambda: command.start(inputs), prepare), limit_s=command.limit_s)


def _faults(ending: Ending, slot: Slot, when: str, may_fail: bool) -> list[Fault]:
    faults = [replace(fault, detail=f"{when}; {fault.detail}") for fault in faults_of(ending, slot)]
    if not faults and not may_fail and ending.code != 0:
        lines = ending.output.strip().splitlines() or ["no output"]
        faults.append(Fault("unfinished", f"status {ending.code}", f"{when}; {lines[-1]}"))
    return faults
