"""Runs the default sweep on synthetic faces, and saves its verdicts and duration.

python -m benchmarks.sweep [further options of run.py sweep]
"""

import sys
from dataclasses import asdict
from time import perf_counter

from benchmarks.measurements import save
from lightning_module.evaluation.paired_seeds import reduced_by_seed
from run import main

COMMAND = [
    "sweep",
    "--study",
    "evidence",
    "--n_trials",
    "24",
    "--workers",
    "2",
    "--confirm_ratios",
    "3",
    "--confirm_seeds",
    "8",
]


def measure(options: list[str]) -> None:
    """Runs the sweep, or continues it; the time of an interrupted sweep is incomplete."""
    start = perf_counter()
    report = main([*COMMAND, *options])
    minutes = (perf_counter() - start) / 60
    confirmation, score = report.confirmation, report.settings.score
    figures = {
        "minutes": round(minutes, 1),
        "score": str(score),
        "headline": report.headline,
        "data": confirmation.dataset,
        "test faces": len(confirmation.bins),
        "nme by seed": {
            ratio: reduced_by_seed(errors, confirmation.bins, score.reduction).round(3).tolist()
            for ratio, errors in confirmation.errors.items()
        },
        "found": [asdict(verdict) for verdict in report.verdicts],
        "known": [asdict(verdict) for verdict in report.known_verdicts],
        "search": {trial.user_attrs["ratio"]: round(trial.values[0], 3) for trial in report.trials if trial.values},
    }
    save("sweep", " ".join(["python run.py", *COMMAND, *options]), figures)


if __name__ == "__main__":
    measure(sys.argv[1:])
