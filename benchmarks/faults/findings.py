"""The figures of a part: cases, and the faults by cause with the command that repeats the first of each."""

import json
import shlex
from collections import Counter
from collections.abc import Sequence

from benchmarks.faults.scheduler import CaseResult, Fault
from benchmarks.measurements import RESULTS, save

NAME = "faults"
_COMMAND = "python -m benchmarks.faults"


def part_figures(part: str, results: Sequence[CaseResult], seed: int, count: int | None) -> dict[str, object]:
    """The figures of cases.

    Args:
        part: Name of the part.
        results: The outcomes of its cases.
        seed: Seed of the part.
        count: Number of cases that was asked for, which a repetition needs too; None for the default.
    """
    causes: dict[tuple[str, str], list[tuple[str, Fault]]] = {}
    for result in results:
        for fault in result.faults:
            causes.setdefault((fault.kind, fault.place), []).append((result.case.name, fault))
    shown = [
        {
            "kind": kind,
            "place": place,
            "cases": len({name for name, _ in found}),
            "first": found[0][1].detail,
            "repeat": repeat_command(part, found[0][0], seed, count),
        }
        for (kind, place), found in sorted(causes.items())
    ]
    return {
        "cases": len(results),
        "cases by kind": dict(sorted(Counter(result.case.name.partition(":")[0] for result in results).items())),
        "cases with faults": sum(bool(result.faults) for result in results),
        "longest case, s": round(max((result.seconds for result in results), default=0.0), 1),
        "faults": shown,
    }


def repeat_command(part: str, case: str, seed: int, count: int | None) -> str:
    """The command that repeats a case, and prints what its last process printed."""
    size = "" if count is None else f" --count {count}"
    return f"{_COMMAND} {part} --seed {seed}{size} --only {shlex.quote(case)}"


def keep_part(part: str, figures: object) -> None:
    """Writes the figures of a part into benchmarks/results/faults.json, beside those of the other parts."""
    path = RESULTS / f"{NAME}.json"
    known = json.loads(path.read_text(encoding="utf-8"))["figures"] if path.is_file() else {}
    save(NAME, _COMMAND, {**known, part: figures})
