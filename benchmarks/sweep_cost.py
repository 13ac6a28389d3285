"""Measures the overhead of a sweep, against the same fits in one process.

python -m benchmarks.sweep_cost [trials] [repeats]
"""

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import NamedTuple

from benchmarks.measurements import save
from datamodules.geometry.regions import five_regions
from lightning_module.project import PROJECT
from sweeps.settings import known_weights

_SEARCH = 24  # trials of the default search
_BY_HAND = """
import sys
from run import main
for options in sys.argv[2:]:
    main(["fit", "--config=conf/trial.yaml", f"--tracking.folder={sys.argv[1]}", "--test_at_end=false",
          "--trainer.enable_progress_bar=false", "--trainer.enable_model_summary=false", *options.split()])
"""


class _Times(NamedTuple):
    """Seconds of the fits of one command.

    Attributes:
        fits: Duration of each fit, from the start of its run to its end.
        between: From the end of each run to the start of the next; the last run of a sweep is its summary.
        around: Duration of the command before the first run and after the last.
    """

    fits: list[float]
    between: list[float]
    around: float


def measure(trials: int, repeats: int) -> None:
    """Times both ways in turns, so that other load on the machine affects both.

    Only the times between and around fits are compared, and then related to the duration of a fit, since fits vary by
    more than the overhead.
    """
    by_hand, swept = [], []
    for _ in range(repeats):
        with TemporaryDirectory() as folder:
            by_hand.append(_run(Path(folder), "-c", _BY_HAND, folder, *(_options(number) for number in range(trials))))
        with TemporaryDirectory() as folder:
            options = [f"--n_trials={trials}", "--confirm_seeds=0", "--pruner=none", f"--folder={folder}"]
            swept.append(_run(Path(folder), "run.py", "sweep", *options))
    a_fit = median(seconds for times in (*by_hand, *swept) for seconds in times.fits)
    between = _median_between(swept) - _median_between(by_hand)
    around = median(times.around for times in swept) - median(times.around for times in by_hand)
    figures = {
        "trials": trials,
        "repeats": repeats,
        "seconds a fit": round(a_fit, 1),
        "seconds from fit to fit, by hand": [[round(x, 2) for x in times.between] for times in by_hand],
        "seconds from fit to fit, in a sweep": [[round(x, 2) for x in times.between] for times in swept],
        "seconds before and after all fits, by hand": [round(times.around, 1) for times in by_hand],
        "seconds before and after all fits, in a sweep": [round(times.around, 1) for times in swept],
        "extra seconds a trial": round(between, 2),
        "extra seconds before and after all trials": round(around, 1),
        f"sweep over by hand, {_SEARCH} trials": round(1 + (between + around / _SEARCH) / a_fit, 4),
    }
    save("sweep_cost", " ".join(["python -m benchmarks.sweep_cost", *sys.argv[1:]]), figures)


def _median_between(repeats: list[_Times]) -> float:
    return median(seconds for times in repeats for seconds in times.between)


def _options(number: int) -> str:
    baselines = known_weights(five_regions())
    weights = baselines[number % len(baselines)]
    return " ".join(f"--model.weights.{name}={value}" for name, value in weights.by_name.items())


def _run(folder: Path, *command: str) -> _Times:
    start = perf_counter()
    subprocess.run([sys.executable, *command], check=True, cwd=PROJECT, capture_output=True)
    whole = perf_counter() - start
    runs = sorted(_span(journal) for journal in folder.glob("runs/*/journal.jsonl"))
    fits = [end - begin for begin, end in runs]
    between = [begin - end for (_, end), (begin, _) in pairwise(runs)]
    return _Times(fits, between, whole - sum(fits) - sum(between))


def _span(journal: Path) -> tuple[float, float]:
    """Start and end of a run, in seconds."""
    entries = [json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines()]
    times = [entry["time_ms"] / 1e3 for entry in entries if entry["kind"] in ("create", "end")]
    return times[0], times[-1]


if __name__ == "__main__":
    asked = [int(argument) for argument in sys.argv[1:3]]
    measure(*asked, *(3, 2)[len(asked) :])
