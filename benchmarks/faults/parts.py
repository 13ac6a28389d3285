"""The parts of the campaign: which cases each has, by default as many as fill an hour together."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.faults.findings import part_figures
from benchmarks.faults.full_disks import WritingPlaces, disk_cases, place_cases
from benchmarks.faults.kills import Undisturbed, kill_cases, undisturbed_cases
from benchmarks.faults.lost_servers import disturbed_sweep
from benchmarks.faults.mutated_inputs import mutation_cases
from benchmarks.faults.planted_faults import PLANTED, cases_until_found
from benchmarks.faults.scheduler import Case, CaseResult, run_cases
from benchmarks.faults.slots import Slot
from benchmarks.faults.watched_commands import COMMANDS, DISK_COMMANDS

_MUTATIONS, _KILLS, _DISTURBANCES = 200, 60, 12  # of each kind, of all commands, of the servers

Report = Callable[[CaseResult], None]


@dataclass(frozen=True)
class Request:
    """What a part is asked for.

    Attributes:
        seed: Seed of the part.
        count: Number of its cases in its own unit; None for the default.
        only: Name of the one case to run, or None for all.
        slots: Where its cases run.
        report: Takes each outcome as soon as it is known.
    """

    seed: int
    count: int | None
    only: str | None
    slots: Sequence[Slot]
    report: Report


def planted(request: Request) -> dict[str, Any]:
    """The faults that were put in on purpose."""
    found = {
        fault.name: cases_until_found(fault, request.slots, request.seed)
        for fault in PLANTED
        if request.only in (None, fault.name)
    }
    return {"planted": len(found), "cases until found": found}


def mutations(request: Request) -> dict[str, Any]:
    """Damaged inputs."""
    return _figures(
        "mutations", request, _run(request, mutation_cases(None, request.count or _MUTATIONS, request.seed))
    )


def kills(request: Request) -> dict[str, Any]:
    """Killed commands."""
    whole = Undisturbed()
    names = [name for name in COMMANDS if request.only is None or request.only.startswith(f"{name}:")]
    first = _run(request, undisturbed_cases(names, whole), is_needed=True)
    cases = kill_cases(list(COMMANDS), request.count or _KILLS, request.seed, whole)
    return _figures("kills", request, [*first, *_run(request, cases)])


def disks(request: Request) -> dict[str, Any]:
    """Full and read-only disks."""
    places = WritingPlaces()
    names = [name for name in DISK_COMMANDS if request.only is None or request.only.startswith(f"{name}:")]
    first = _run(request, place_cases(names, places), is_needed=True)
    results = [*first, *_run(request, disk_cases(names, places, request.seed, request.count))]
    sizes = {name: len(known) for name, known in places.by_command.items()}
    return {**_figures("disks", request, results), "writing places": sizes}


def servers(request: Request) -> dict[str, Any]:
    """Servers that are killed and paused during a sweep."""
    start = time.monotonic()
    done, faults = disturbed_sweep(request.count or _DISTURBANCES, request.seed)
    result = CaseResult(Case("sweep", lambda slot: iter(())), faults, time.monotonic() - start, "")  # type: ignore[arg-type,return-value]
    request.report(result)
    return {**_figures("servers", request, [result]), "disturbances": done}


PARTS: dict[str, Callable[[Request], dict[str, Any]]] = {
    "planted": planted,
    "mutations": mutations,
    "kills": kills,
    "disks": disks,
    "servers": servers,
}


def _run(request: Request, cases: Iterable[Case], is_needed: bool = False) -> list[CaseResult]:
    """Runs the cases that were asked for, or all if others need what they find out."""
    results = []
    for result in run_cases((case for case in cases if is_needed or request.only in (None, case.name)), request.slots):
        request.report(result)
        results.append(result)
    return results


def _figures(part: str, request: Request, results: Sequence[CaseResult]) -> dict[str, Any]:
    return part_figures(part, results, request.seed, request.count)
