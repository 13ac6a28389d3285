"""Commands that are killed at moments spread over their work: the same command again must end as if they had not been."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from benchmarks.faults.forked_job import Ending, Job
from benchmarks.faults.scheduler import Case, Fault, Steps, command_job, faults_of
from benchmarks.faults.slots import Slot
from benchmarks.faults.specimens import Inputs
from benchmarks.faults.watched_commands import COMMANDS, WatchedCommand

_EARLIER = 0.6  # share of the moment that is tried next, after one that came when the command was over
_ATTEMPTS = 5


@dataclass
class Undisturbed:
    """The courses of commands that nothing stopped.

    Attributes:
        seconds: Duration by command.
        ends: What they left, by command.
    """

    seconds: dict[str, float] = field(default_factory=dict)
    ends: dict[str, Mapping[str, object]] = field(default_factory=dict)


def undisturbed_cases(names: list[str], whole: Undisturbed, patch: Callable[[], None] | None = None) -> Iterator[Case]:
    """Runs each command once to its end, and notes its course."""
    for name in names:
        yield Case(f"{name}:whole", _whole(COMMANDS[name], name, whole, patch))


def kill_cases(
    names: list[str], count: int, seed: int, whole: Undisturbed, patch: Callable[[], None] | None = None
) -> Iterator[Case]:
    """The cases of kills; each command's are spread evenly over its duration.

    Args:
        names: Names of `COMMANDS`; "fit:3" is one case.
        count: Number of kills of all commands.
        seed: Seed of the moments.
        whole: The courses of the same commands, which the cases read when they begin.
        patch: Called in each child, to plant a fault.
    """
    only = {name: int(number) for name, _, number in (part.partition(":") for part in names) if number}
    shares = [len(range(place, count, len(names))) for place in range(len(names))]
    for number in range(max(shares, default=0)):
        for part, share in zip(names, shares, strict=True):
            name = part.partition(":")[0]
            if number < share and only.get(name, number) == number:
                rng = np.random.default_rng([seed, list(COMMANDS).index(name), number])
                moment = (number + rng.uniform()) / share
                yield Case(f"{name}:{number}", _killed(COMMANDS[name], name, moment, whole, patch))


def _whole(
    command: WatchedCommand, name: str, whole: Undisturbed, patch: Callable[[], None] | None
) -> Callable[[Slot], Steps]:
    def steps(slot: Slot) -> Steps:
        ending = yield _job(command, slot, command.start, patch)
        faults = _unsuccessful(ending, slot, "undisturbed")
        if ending.code == 0:
            whole.seconds[name], whole.ends[name] = ending.seconds, dict(command.end(slot))
        return faults

    return steps


def _killed(
    command: WatchedCommand, name: str, moment: float, whole: Undisturbed, patch: Callable[[], None] | None
) -> Callable[[Slot], Steps]:
    def steps(slot: Slot) -> Steps:
        if name not in whole.seconds:
            ending = yield _job(command, slot, command.start, patch)
            return [Fault("setting", f"{name} does not succeed even if it is not killed", ending.output[-200:])]
        after_s = moment * whole.seconds[name]
        for _ in range(_ATTEMPTS):
            slot.restore()
            job = _job(command, slot, command.start, patch)
            killed = yield replace(job, kill_after_s=after_s)
            if killed.is_killed:
                break
            after_s *= _EARLIER
        else:
            return [Fault("setting", f"{name} was over before it could be killed", f"after {after_s:.2f} s")]
        first = faults_of(killed, slot)
        when = f"killed after {after_s:.2f} s of {whole.seconds[name]:.2f} s"
        ending = yield _job(command, slot, command.again, patch)
        faults = [*first, *_unsuccessful(ending, slot, when)]
        if ending.code == 0:
            faults += _differences(command, slot, whole.ends[name], when)
        return list(dict.fromkeys(faults))

    return steps


def _job(
    command: WatchedCommand, slot: Slot, line: Callable[[Inputs], list[str]], patch: Callable[[], None] | None
) -> Job:
    inputs = Inputs(slot.given)
    return replace(
        command_job(slot, lambda: line(inputs), patch),
        limit_s=command.limit_s,
        has_begun=lambda: command.has_begun(inputs),
    )


def _unsuccessful(ending: Ending, slot: Slot, when: str) -> list[Fault]:
    faults = [replace(fault, detail=f"{when}; {fault.detail}") for fault in faults_of(ending, slot)]
    if ending.code != 0 and all(fault.kind == "outside" for fault in faults):
        lines = ending.output.strip().splitlines() or ["no output"]
        faults.append(Fault("unfinished", f"status {ending.code}", f"{when}; {lines[-1]}"))
    return faults


def _differences(command: WatchedCommand, slot: Slot, expected: Mapping[str, object], when: str) -> list[Fault]:
    try:
        found = command.end(slot)
    except Exception as error:  # noqa: BLE001  # whatever a damaged file makes of its reader
        return [Fault("end", type(error).__name__, f"{when}; {error}")]
    names = sorted(name for name in {*expected, *found} if expected.get(name) != found.get(name))
    if not names:
        return []
    first = f"{names[0]}: {found.get(names[0])} instead of {expected.get(names[0])}"
    return [Fault("end", f"{names[0]} and {len(names) - 1} others", f"{when}; {first}")]
