"""Looks for faults with damaged inputs, kills, full disks and lost servers; about an hour on two cores.

python -m benchmarks.faults [PART ...] [--seed 0] [--count N] [--only CASE]
"""

import sys
import time
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.faults.warm_start import warm_start  # before what imports numerical libraries


def _main() -> None:
    arguments = _arguments()
    with TemporaryDirectory(prefix="faults-") as folder:
        warm_start(Path(folder) / "compiled")
        sys.exit(_campaign(arguments, Path(folder)))


def _campaign(arguments: Namespace, folder: Path) -> str | None:
    """Runs the parts; returns the error to end with, or None."""
    from benchmarks.faults.findings import keep_part
    from benchmarks.faults.parts import PARTS, Request
    from benchmarks.faults.scheduler import CaseResult, make_slots

    names = arguments.parts or list(PARTS)
    if unknown := sorted(set(names) - set(PARTS)):
        return f"error: {unknown[0]}: there is no such part. Give some of {', '.join(PARTS)}."

    def report(result: CaseResult) -> None:
        for fault in result.faults:
            print(f"{result.case.name}: {fault.kind}: {fault.place}: {fault.detail}", flush=True)
        if arguments.only is not None:
            print(result.output)

    slots = make_slots(folder, arguments.parallel) if set(names) != {"servers"} else []
    request = Request(arguments.seed, arguments.count, arguments.only, slots, report)
    faults, missed = 0, list[str]()
    for name in names:
        start = time.monotonic()
        figures = PARTS[name](request)
        faults += len(figures.get("faults", []))
        missed += [fault for fault, cases in figures.get("cases until found", {}).items() if cases is None]
        if missed:
            return f"error: the campaign does not find what was put in on purpose: {', '.join(missed)}."
        about = {
            "date": datetime.now(UTC).date().isoformat(),
            "seed": arguments.seed,
            "count": "default" if arguments.count is None else arguments.count,
            "minutes": round((time.monotonic() - start) / 60, 1),
        }
        if arguments.only is None:
            keep_part(name, {**about, **figures})
    return f"{faults} kinds of faults" if faults else None


def _arguments() -> Namespace:
    parser = ArgumentParser(
        prog="python -m benchmarks.faults", description=__doc__, formatter_class=RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", help="planted, mutations, kills, disks, servers; by default all")
    parser.add_argument("--seed", type=int, default=0, help="seed of damage, moments and choices")
    parser.add_argument(
        "--count",
        type=int,
        help="damaged inputs of each kind, kills of all commands, cases of each command on full disks, or disturbances "
        "of servers; by default 200, 60, all, 12",
    )
    parser.add_argument("--only", metavar="CASE", help="run this case alone, print its output, and keep no figures")
    parser.add_argument("--parallel", type=int, default=2, help="cases at a time; by default 2")
    return parser.parse_args()


if __name__ == "__main__":
    _main()
