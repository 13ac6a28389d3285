"""What a sweep costs beyond its fits: the same fits by hand, in one process, beside it.

python -m benchmarks.sweep_cost [trials] [repeats]
"""

import subprocess
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

import optuna

from benchmarks.record import save
from run import PROJECT
from sweeps.baselines import BASELINES

_BY_HAND = """
import sys
from run import main
for i, options in enumerate(sys.argv[2:]):
    main(["fit", "--config=conf/trial.yaml", f"--tracking.folder={sys.argv[1]}", "--test_at_end=false",
          "--trainer.enable_progress_bar=false", "--trainer.enable_model_summary=false", *options.split()])
"""


def measure(trials: int, repeats: int) -> None:
    """Takes turns, so that a noisy neighbour troubles both."""
    swept, by_hand, in_trials = [], [], []
    for _ in range(repeats):
        with TemporaryDirectory() as folder:
            by_hand.append(_seconds("-c", _BY_HAND, folder, *(_options(number) for number in range(trials))))
        with TemporaryDirectory() as folder:
            swept.append(
                _seconds(
                    "run.py",
                    "sweep",
                    f"--n_trials={trials}",
                    "--confirm_seeds=0",
                    "--pruner=none",
                    f"--folder={folder}",
                )
            )
            study = optuna.load_study(study_name="ratios", storage=f"sqlite:///{Path(folder) / 'optuna.db'}")
            finished = study.get_trials()
            # from the first claim to the last word: fits, and what stands between them
            in_trials.append((finished[-1].datetime_complete - finished[0].datetime_start).total_seconds())
    hand, sweep = median(by_hand), median(swept)
    extra = sweep - hand
    figures = {
        "trials": trials,
        "repeats": repeats,
        "seconds by hand": [round(x, 1) for x in by_hand],
        "seconds of the sweep": [round(x, 1) for x in swept],
        "seconds between first and last word of its trials": [round(x, 1) for x in in_trials],
        "sweep over by hand": round(sweep / hand, 3),
        "the same for 24 trials, if all that is extra came once": round(1 + extra / (hand / trials * 24), 3),
    }
    save("sweep_cost", " ".join(["python -m benchmarks.sweep_cost", *sys.argv[1:]]), figures)


def _options(number: int) -> str:
    weights = BASELINES[number % len(BASELINES)]
    return " ".join(f"--model.weights.{name}={value}" for name, value in vars(weights).items())


def _seconds(*command: str) -> float:
    start = perf_counter()
    subprocess.run(
        [sys.executable, *command], check=True, cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    return perf_counter() - start


if __name__ == "__main__":
    asked = [int(argument) for argument in sys.argv[1:3]]
    measure(*asked, *(3, 2)[len(asked) :])
