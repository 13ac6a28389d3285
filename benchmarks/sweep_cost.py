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

_SEARCH = 24  # trials of the default search
_BY_HAND = """
import sys, time
start = time.perf_counter()
from run import main
for options in sys.argv[2:]:
    main(["fit", "--config=conf/trial.yaml", f"--tracking.folder={sys.argv[1]}", "--test_at_end=false",
          "--trainer.enable_progress_bar=false", "--trainer.enable_model_summary=false", *options.split()])
print("SECONDS", time.perf_counter() - start)
"""


def measure(trials: int, repeats: int) -> None:
    """Takes turns, so that a noisy neighbour troubles both; both load Lightning within their first fit."""
    fits, whole_by_hand, claims, whole_sweep = [], [], [], []
    for _ in range(repeats):
        with TemporaryDirectory() as folder:
            whole, said = _run("-c", _BY_HAND, folder, *(_options(number) for number in range(trials)))
            whole_by_hand.append(whole)
            fits.append(float(said.rpartition("SECONDS ")[2].split()[0]))
        with TemporaryDirectory() as folder:
            options = [f"--n_trials={trials}", "--confirm_seeds=0", "--pruner=none", f"--folder={folder}"]
            whole_sweep.append(_run("run.py", "sweep", *options)[0])
            study = optuna.load_study(study_name="ratios", storage=f"sqlite:///{Path(folder) / 'optuna.db'}")
            first, *_, last = study.get_trials()
            claims.append((last.datetime_complete - first.datetime_start).total_seconds())
    a_fit = median(fits) / trials
    between = (median(claims) - median(fits)) / trials
    around = (median(whole_sweep) - median(claims)) - (median(whole_by_hand) - median(fits))
    figures = {
        "trials": trials,
        "repeats": repeats,
        "seconds of the fits by hand": [round(x, 1) for x in fits],
        "seconds from the sweep's first claim to its last result": [round(x, 1) for x in claims],
        "seconds of the whole sweep": [round(x, 1) for x in whole_sweep],
        "extra seconds a trial": round(between, 2),
        "extra seconds before and after all trials": round(around, 1),
        f"sweep over by hand, {trials} trials": round(median(whole_sweep) / median(whole_by_hand), 3),
        f"sweep over by hand, {_SEARCH} trials, from these": round(1 + (between + around / _SEARCH) / a_fit, 3),
    }
    save("sweep_cost", " ".join(["python -m benchmarks.sweep_cost", *sys.argv[1:]]), figures)


def _options(number: int) -> str:
    weights = BASELINES[number % len(BASELINES)]
    return " ".join(f"--model.weights.{name}={value}" for name, value in vars(weights).items())


def _run(*command: str) -> tuple[float, str]:
    start = perf_counter()
    done = subprocess.run([sys.executable, *command], check=True, cwd=PROJECT, capture_output=True, text=True)
    return perf_counter() - start, done.stdout


if __name__ == "__main__":
    asked = [int(argument) for argument in sys.argv[1:3]]
    measure(*asked, *(3, 2)[len(asked) :])
