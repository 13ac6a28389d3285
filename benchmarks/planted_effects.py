"""Whether sweeps find an effect that was planted, and find none where there is none.

    python -m benchmarks.planted_effects [FOLDER]

Ten sweeps with training targets of eyes and nose that are displaced by 2 crop pixels, and twenty with correct ones, all
with correct tests. An effect is found if the ratio that is confirmed weighs eyes and nose less than 16:5:4:3:0 does, and
is called better. Each finished sweep is a line of benchmarks/results/planted_sweeps.jsonl, from which this goes on.
"""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any, Literal

import numpy as np
import yaml

from benchmarks.measurements import RESULTS, save
from sweeps.run_sweep import run_sweep
from sweeps.search_space import SearchSpace
from sweeps.settings import SweepSettings
from tests.fakes import write_faces, write_model
from tests.sweeps.stubs import settings

Kind = Literal["planted", "clean"]

SEEDS: dict[Kind, int] = {"planted": 10, "clean": 20}  # from 0 on
LEDGER = RESULTS / "planted_sweeps.jsonl"
_TRAINING_FACES, _TEST_FACES = 300, 90
_MOST_YAW_DEG = 15.0
_TEST_SEED = 100_000
# Ten trials can find one weight, not four and a radius; the others are nearly fixed.
_SPACE = SearchSpace({"landmarks": (12, 20), "eyes_nose": (0.01, 100), "mouth": (3, 5)}, landmark_radius_texels=(0.0,))
_TRIALS, _CONFIRM_SEEDS = 10, 8


def configuration(faces: Path) -> dict[str, Any]:
    """The configuration of the trials: a training of seconds."""
    return {
        "model": {
            "network": {"class_path": "benchmarks.planted_worker.SmoothNetwork"},
            "loss_norm": "squared",
            "lr": 6e-3,
        },
        "data": {
            "root": str(faces / "train"),
            "test": {"root": str(faces / "test")},
            "image_size": 32,
            "batch_size": 8,
            "face_model": {"path": str(faces / "BFM.mat")},
            "num_workers": 0,
            "index": {"keeps_decoded": True},
            "val_fraction": 0.2,
            "augment": False,
        },
        "trainer": {"max_epochs": 16, "check_val_every_n_epoch": 16, "accelerator": "cpu"},
    }


def sweep(kind: Kind, seed: int, folder: Path) -> SweepSettings:
    """The settings of a sweep whose faces are drawn into the folder once."""
    faces = folder / "faces"
    if not (faces / "BFM.mat").is_file():
        yaws = np.random.default_rng(0).uniform(-_MOST_YAW_DEG, _MOST_YAW_DEG, _TRAINING_FACES + _TEST_FACES)
        write_faces(faces / "train", list(yaws[:_TRAINING_FACES]))
        write_faces(faces / "test", list(yaws[_TRAINING_FACES:]), first_seed=_TEST_SEED)
        write_model(faces)
    own = folder / f"{kind}_{seed}"
    own.mkdir(exist_ok=True)
    (own / "trial.yaml").write_text(yaml.safe_dump(configuration(faces)), encoding="utf-8")
    return settings(own, n_trials=_TRIALS, seed=seed, confirm_seeds=_CONFIRM_SEEDS, space=_SPACE)


def measure(folder: Path, seeds: dict[Kind, list[int]]) -> None:
    """Runs the sweeps that are not measured yet, and saves the counts."""
    os.environ["OMP_NUM_THREADS"] = "1"  # of each worker
    measured = _rows()
    for kind, own in seeds.items():
        for seed in own:
            if (kind, seed) not in measured:
                _run(kind, seed, folder)
    rows = _rows()
    save("planted_effects", "python -m benchmarks.planted_effects", [_counts(kind, rows) for kind in seeds])


def _run(kind: Kind, seed: int, folder: Path) -> None:
    start = time.perf_counter()
    report = run_sweep(sweep(kind, seed, folder), 2, (sys.executable, "-m", "benchmarks.planted_worker", kind))
    verdict = report.verdicts[0]
    weights = dict(
        zip([region.name for region in report.settings.regions], map(float, verdict.ratio.split("-")), strict=True)
    )
    row = {
        "kind": kind,
        "seed": seed,
        "ratio": verdict.ratio,
        "eyes and nose": weights["eyes_nose"],
        "outcome": verdict.outcome,
        "difference": round(verdict.difference, 4),
        "interval": [round(verdict.interval.low, 4), round(verdict.interval.high, 4)],
        "p": round(verdict.p, 5),
        "seeds": verdict.seeds,
        "minutes": round((time.perf_counter() - start) / 60, 2),
    }
    with LEDGER.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


def _rows() -> dict[tuple[Kind, int], dict[str, Any]]:
    lines = LEDGER.read_text(encoding="utf-8").splitlines() if LEDGER.is_file() else []
    return {(row["kind"], row["seed"]): row for row in map(json.loads, lines)}


def _counts(kind: Kind, rows: dict[tuple[Kind, int], dict[str, Any]]) -> dict[str, Any]:
    own = [row for (of_kind, _), row in rows.items() if of_kind == kind]
    is_less = [row["eyes and nose"] < 5 for row in own]
    is_better = [row["outcome"] == "better" for row in own]
    return {
        "kind": kind,
        "sweeps": len(own),
        "weigh eyes and nose less": sum(is_less),
        "called better": sum(is_better),
        "both": sum(less and better for less, better in zip(is_less, is_better, strict=True)),
        "median weight of eyes and nose": float(np.median([row["eyes and nose"] for row in own])),
        "median difference": float(np.median([row["difference"] for row in own])),
        "median seeds of the confirmation": float(np.median([row["seeds"] for row in own])),
        "minutes": round(sum(row["minutes"] for row in own), 1),
    }


if __name__ == "__main__":
    where = Path(sys.argv[1] if len(sys.argv) > 1 else "mlruns/planted").absolute()
    measure(where, {kind: list(range(count)) for kind, count in SEEDS.items()})
