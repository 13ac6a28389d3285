"""Ways to a ratio at equal compute: TPE on branches and random search on branches.

    python -m benchmarks.ways_to_a_ratio [FOLDER]

Each way proposes a ratio after some 19 minutes of one core, from two seeds, on fitted labels. What the ratios are worth,
full trainings of the default's length show: some of those of benchmarks.branches with 16:5:4:3:0, and as many with each
proposed ratio. The lines of one network for all ratios in benchmarks/results/proposed_ratios.jsonl are of a third way, which
did not pay (docs/results.md).
"""

import json
import os
import resource
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray
from scipy.stats import t as student

from benchmarks.best_ratio import LANDMARKS_ONLY
from benchmarks.branches import FIRST_SEED, full
from benchmarks.measurements import RESULTS, save
from benchmarks.trainings import PROTOCOLS, REFERENCE, figures_of, train_all
from sweeps.samplers import Sampler
from sweeps.search_space import SearchSpace
from sweeps.sweep_command import sweep
from sweeps.trial import RATIO

Array = NDArray[np.float64]

LEDGER = RESULTS / "proposed_ratios.jsonl"
SEARCH_SEEDS = (3000, 3001)
SAMPLERS: dict[str, Sampler] = {"TPE on branches": "tpe", "random search on branches": "random"}
_TRIALS, _TRUNKS = 24, 2
_SEEDS = 5  # of the full trainings
_TRIAL_CONFIG = {
    "data": {"synthetic": {"labels": "fitted"}, "val_fraction": 0.1},
    "trainer": {"max_epochs": 4, "check_val_every_n_epoch": 2},
}


def measure(folder: Path) -> None:
    """Runs the searches that are not measured yet and the trainings of what they propose, and saves the comparison."""
    os.environ["OMP_NUM_THREADS"] = "1"  # of the processes that are started
    done = proposals()
    missing = [(way, seed) for seed in SEARCH_SEEDS for way in SAMPLERS if (way, seed) not in done]
    with ProcessPoolExecutor(2, get_context("spawn"), max_tasks_per_child=1) as pool:
        list(pool.map(_search, missing, [folder] * len(missing)))
    proposed, seeds = proposals(), range(FIRST_SEED, FIRST_SEED + _SEEDS)
    ratios = [REFERENCE, LANDMARKS_ONLY, *dict.fromkeys(row["ratio"] for row in proposed.values())]
    rows = train_all([[full(ratio, seed)] for seed in seeds for ratio in ratios])

    def less_reference(*some: str) -> Array:
        """(seeds, regions) mean differences of ratios to the reference."""
        return np.mean([[_difference(rows, ratio, seed) for seed in seeds] for ratio in some], axis=0)

    by_way = {way: [row["ratio"] for row in proposed.values() if row["way"] == way] for way in SAMPLERS}
    tpe, random = (less_reference(*own) for own in by_way.values())
    figures = {
        "proposals less 16:5:4:3:0": [{**row, **_compared(less_reference(row["ratio"]))} for row in proposed.values()],
        f"{LANDMARKS_ONLY}, without a search, less 16:5:4:3:0": _compared(less_reference(LANDMARKS_ONLY)),
        " less ".join(by_way): _compared(tpe - random),
    }
    save("ways_to_a_ratio", "python -m benchmarks.ways_to_a_ratio", figures)


def proposals() -> dict[tuple[str, int], dict[str, Any]]:
    """The finished searches."""
    lines = LEDGER.read_text(encoding="utf-8").splitlines() if LEDGER.is_file() else []
    return {(row["way"], row["seed"]): row for row in map(json.loads, lines)}


def _search(way_and_seed: tuple[str, int], folder: Path) -> None:
    way, seed = way_and_seed
    own = folder / f"{way} {seed}".replace(" ", "_")
    own.mkdir(parents=True, exist_ok=True)
    config = own / "trial.yaml"
    config.write_text(yaml.safe_dump(_TRIAL_CONFIG), encoding="utf-8")
    ratio = _best_branch(config, seed, SAMPLERS[way])
    row = {"way": way, "seed": seed, "ratio": ratio.replace("-", ":"), "core seconds": round(_core_seconds())}
    with LEDGER.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


def _core_seconds() -> float:
    """Of this process and its finished children."""
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def _best_branch(config: Path, seed: int, sampler: Sampler) -> str:
    """The best new ratio of a search without confirmation."""
    report = sweep(
        n_trials=_TRIALS,
        search_seeds=_TRUNKS,
        seed=seed,
        config=config,
        sampler=sampler,
        pruner="none",
        strategy="branched",
        confirm_seeds=0,
        space=SearchSpace(landmark_radius_texels=(0.0,)),
        folder=config.parent,
    )
    new = [
        trial for trial in report.trials if trial.values and trial.user_attrs[RATIO] not in report.settings.known_ratios
    ]
    return str(min(new, key=lambda trial: trial.values[0]).user_attrs[RATIO])


def _difference(rows: dict[str, dict[str, Any]], ratio: str, seed: int) -> list[float]:
    one, two = figures_of(rows, full(ratio, seed)), figures_of(rows, full(REFERENCE, seed))
    return [one[title] - two[title] for title in PROTOCOLS]


def _compared(differences: Array) -> dict[str, Any]:
    """Means and halves of the 95 % intervals of (seeds, regions) paired differences, by region."""
    error = differences.std(axis=0, ddof=1) / len(differences) ** 0.5
    half = student.ppf(0.975, len(differences) - 1) * error
    return {
        title: {"mean": round(float(mean), 4), "half of the interval": round(float(margin), 4)}
        for title, mean, margin in zip(PROTOCOLS, differences.mean(axis=0), half, strict=True)
    }


if __name__ == "__main__":
    measure(Path(sys.argv[1] if len(sys.argv) > 1 else "mlruns/ways").absolute())
