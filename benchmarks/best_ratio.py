"""Whether the best ratio of a search is better than the known ones: on two kinds of labels, longer, wider, on photographs.

    python -m benchmarks.best_ratio [AFLW2000_SAMPLES BFM.mat]

The search is branched, with its own seeds, as conf/trial.yaml has it. Full trainings of the default's length, from other
seeds, then compare its best ratio with the known ones, by paired t-tests over seeds with Holm's correction for the three
comparisons.
"""

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any, Literal

import numpy as np
import yaml
from numpy.typing import NDArray
from scipy.stats import t as student
from scipy.stats import ttest_1samp

from benchmarks.measurements import RESULTS, save
from benchmarks.trainings import EQUAL, PROTOCOLS, REFERENCE, Photographs, Training, figures_of, train_all
from lightning_module.evaluation.paired_seeds import ALPHA, POWER, holm
from lightning_module.project import PROJECT
from sweeps.effects_table import single_effects
from sweeps.search_space import RADIUS
from sweeps.sweep_command import sweep
from sweeps.sweep_report import SweepReport
from sweeps.trial import RATIO, WEIGHTS

Labels = Literal["exact", "fitted"]
Array = NDArray[np.float64]

LABELS: tuple[Labels, ...] = ("fitted", "exact")
KNOWN = (REFERENCE, EQUAL, "16:4:4:3:0")
LANDMARKS_ONLY = "3000:5:4:3:0"  # one weight raised, without a search: added when benchmarks.branches had found it good
LEDGER = RESULTS / "searched_ratios.jsonl"
SEARCH_SEED, FIRST_SEED, SEEDS = 4000, 5000, 10
EPOCHS = 8
FURTHER_SEEDS = 6
_FURTHER = {  # what is changed, to see whether a difference holds
    "twice the length": (2 * EPOCHS, ()),
    "twice the width": (EPOCHS, ("--model.network.channels=64", "--model.network.stem_channels=32")),
}
_TRIALS, _TRUNKS = 24, 2


def measure(photographs: Photographs | None) -> None:
    """Does what is not measured yet, and saves the comparison."""
    os.environ["OMP_NUM_THREADS"] = "1"  # of the processes that are started
    for labels in LABELS:
        if labels not in searched():
            _search(labels)
    best, figures = searched(), dict[str, Any]()
    for labels in LABELS:
        figures[f"{labels} labels"] = {"search": best[labels], **_compared(labels, best[labels], photographs)}
    figures["landmarks' weight only"] = _against_landmarks_only(best["fitted"])
    for name, (epochs, options) in _FURTHER.items():
        own = [_found("fitted", best["fitted"], seed, epochs, options) for seed in _seeds(FURTHER_SEEDS)]
        same = [Training(REFERENCE, seed, "fitted", epochs, options=options) for seed in _seeds(FURTHER_SEEDS)]
        rows = train_all([[training] for pair in zip(own, same, strict=True) for training in pair])
        figures[name] = {REFERENCE: _against(rows, own, same)}
    save("best_ratio", "python -m benchmarks.best_ratio AFLW2000_SAMPLES BFM.mat", figures)


def searched() -> dict[str, dict[str, Any]]:
    """The best ratio of each finished search, by its labels."""
    lines = LEDGER.read_text(encoding="utf-8").splitlines() if LEDGER.is_file() else []
    return {row["labels"]: row for row in map(json.loads, lines)}


def _search(labels: Labels) -> None:
    folder = PROJECT / "mlruns" / f"best_ratio_{labels}"
    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "data": {"synthetic": {"labels": labels}, "val_fraction": 0.1},
        "trainer": {"max_epochs": EPOCHS // 2, "check_val_every_n_epoch": EPOCHS // 4},
    }
    (folder / "trial.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    report = sweep(
        n_trials=_TRIALS,
        workers=2,
        seed=SEARCH_SEED,
        config=folder / "trial.yaml",
        pruner="none",
        search_seeds=_TRUNKS,
        strategy="branched",
        confirm_seeds=0,
        folder=folder,
    )
    trials = {trial.user_attrs[RATIO]: trial for trial in report.trials if trial.values}
    new = {ratio: trial.values[0] for ratio, trial in trials.items() if ratio not in report.settings.known_ratios}
    best = min(new, key=new.__getitem__)
    row = {
        "labels": labels,
        "ratio": best.split()[0].replace("-", ":"),
        "radius": trials[best].user_attrs[WEIGHTS][RADIUS],
        "validation NME %": {ratio: round(trial.values[0], 4) for ratio, trial in trials.items()},
        "effects": _effects(report),
        "deviation of one branch": _noise(report),
    }
    shutil.copyfile(report.settings.results / "effects.png", PROJECT / "docs" / f"effects_{labels}.png")
    with LEDGER.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


def _effects(report: SweepReport) -> dict[str, dict[str, list[float]]]:
    """Mean and 95 % interval of what each weight does to each validation error, NME %."""
    assert report.effects is not None
    titles = [measure.title for measure in report.effects.measures]
    return {
        name: {
            title: [round(float(value), 3) for value in values]
            for title, *values in zip(titles, changes, *ends, strict=True)
        }
        for name, (changes, ends) in single_effects(report.effects).items()
    }


def _noise(report: SweepReport) -> dict[str, float]:
    """Deviation over the trunks of a branch less its trunk, NME %."""
    assert report.effects is not None
    titles = [measure.title for measure in report.effects.measures]
    return {title: round(float(value), 3) for title, value in zip(titles, report.effects.noise, strict=True)}


def _seeds(count: int) -> range:
    return range(FIRST_SEED, FIRST_SEED + count)


def _found(
    labels: Labels, search: dict[str, Any], seed: int, epochs: int = EPOCHS, options: tuple[str, ...] = ()
) -> Training:
    return Training(search["ratio"], seed, labels, epochs, radius=search["radius"], options=options)


def _compared(labels: Labels, search: dict[str, Any], photographs: Photographs | None) -> dict[str, Any]:
    found = [_found(labels, search, seed) for seed in _seeds(SEEDS)]
    known = {ratio: [Training(ratio, seed, labels, EPOCHS) for seed in _seeds(SEEDS)] for ratio in KNOWN}
    order = [[training] for same_seed in zip(found, *known.values(), strict=True) for training in same_seed]
    rows = train_all(order, photographs=photographs)
    figures = {ratio: _against(rows, found, trainings) for ratio, trainings in known.items()}
    adjusted = holm(np.array([figures[ratio]["68 landmarks"]["p"] for ratio in KNOWN]))
    for ratio, p in zip(KNOWN, adjusted, strict=True):
        figures[ratio]["68 landmarks"]["p after Holm"] = float(f"{p:.3g}")
    return figures


def _against_landmarks_only(search: dict[str, Any]) -> dict[str, Any]:
    """The found ratio and 16:5:4:3:0, each less a ratio that differs from the latter in one weight; fitted labels."""
    simple = [Training(LANDMARKS_ONLY, seed, "fitted", EPOCHS) for seed in _seeds(SEEDS)]
    found = [_found("fitted", search, seed) for seed in _seeds(SEEDS)]
    reference = [Training(REFERENCE, seed, "fitted", EPOCHS) for seed in _seeds(SEEDS)]
    rows = train_all([[training] for training in (*simple, *found, *reference)])
    return {"found less it": _against(rows, found, simple), "it less 16:5:4:3:0": _against(rows, simple, reference)}


def _against(rows: dict[str, dict[str, Any]], own: list[Training], other: list[Training]) -> dict[str, Any]:
    """Paired differences over seeds, by region and, where they were tested, on the photographs."""
    figures = {}
    for title in PROTOCOLS:
        errors = np.array([[figures_of(rows, one)[title] for one in trainings] for trainings in (own, other)])
        means = {"NME %": errors.mean(axis=1).round(3).tolist()}
        figures[title] = means | _tested((errors[0] - errors[1]).tolist())
    pairs = [
        (rows[a.name].get("photographs"), rows[b.name].get("photographs")) for a, b in zip(own, other, strict=True)
    ]
    seen = [a - b for a, b in pairs if a is not None and b is not None]
    return figures | ({"68 landmarks of ten photographs": _tested(seen)} if len(seen) > 2 else {})


def _tested(differences: list[float]) -> dict[str, Any]:
    """Mean, 95 % interval and p-value of paired differences, and what so many detect in four cases out of five."""
    values: Array = np.array(differences)
    free, error = len(values) - 1, float(values.std(ddof=1)) / len(values) ** 0.5
    low, high = values.mean() + student.ppf([ALPHA / 2, 1 - ALPHA / 2], free) * error
    return {
        "seeds": len(values),
        "difference": round(float(values.mean()), 4),
        "interval": [round(float(low), 4), round(float(high), 4)],
        "p": float(f"{ttest_1samp(values, 0).pvalue:.3g}"),
        "detectable": round(float(student.ppf([1 - ALPHA / 2, POWER], free).sum()) * error, 4),
    }


if __name__ == "__main__":
    measure(Photographs(Path(sys.argv[1]), Path(sys.argv[2])) if len(sys.argv) > 2 else None)
