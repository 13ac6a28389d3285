"""Compares the default fit with that of earlier versions, conf/small_hourglass.yaml, on the same synthetic faces.

    python -m benchmarks.default_fit [AFLW2000_SAMPLES BFM.mat]

The two take turns over three seeds. A fit is timed from the start of the command to the end of its last epoch, with
start-up, index and decoding; only the faces are drawn beforehand. With real samples, each network is also tested on them.
"""

import json
import subprocess
import sys
import time
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

import run
from benchmarks.measurements import save
from datamodules.face_datamodule import FaceDataModule
from datamodules.readers.index_options import IndexOptions
from datamodules.synthetic.default_data import SyntheticFaces
from lightning_module.project import PROJECT
from lightning_module.tracking.run_folder import RunFolder, newest_fit

SEEDS = (0, 1, 2)
CONFIGS = ("small_hourglass", "default")
FACES = SyntheticFaces(samples=4500, test_samples=600, image_size=128)  # those of conf/default.yaml


def measure(real: tuple[str, ...]) -> None:
    """Fits and tests, and saves seconds and errors."""
    fits: dict[str, list[dict[str, float]]] = {name: [] for name in CONFIGS}
    with TemporaryDirectory() as name:
        folder = Path(name)
        FaceDataModule(synthetic=FACES, index=IndexOptions(cache_dir=folder / "cache")).prepare_data()
        for seed in SEEDS:
            for config in CONFIGS:
                fits[config].append(_fit(folder, config, seed, real))
    means = {
        config: {name: float(np.mean([fit[name] for fit in each])) for name in each[0]} for config, each in fits.items()
    }
    old, new = (means[config] for config in CONFIGS)
    figures = {
        "seeds": SEEDS,
        "of each fit": fits,
        "means": means,
        "training time, default / small_hourglass": [
            new_fit["training seconds"] / old_fit["training seconds"]
            for old_fit, new_fit in zip(*(fits[config] for config in CONFIGS), strict=True)
        ],
        "differences of the means, default - small_hourglass": {name: new[name] - old[name] for name in new},
    }
    save("default_fit", "python -m benchmarks.default_fit AFLW2000_SAMPLES BFM.mat", figures)


def _fit(folder: Path, config: str, seed: int, real: tuple[str, ...]) -> dict[str, float]:
    for index in (folder / "cache").glob("index-*"):
        rmtree(index)
    tracking = folder / f"{config}-{seed}"
    command = [sys.executable, "run.py", "fit", f"--config=conf/{config}.yaml", f"--seed_everything={seed}"]
    options = [f"--tracking.folder={tracking}", f"--data.index.cache_dir={folder / 'cache'}"]
    start = time.time()
    subprocess.run([*command, *options, "--trainer.enable_progress_bar=false"], cwd=PROJECT, check=True)
    seconds = time.time() - start
    fitted = newest_fit(tracking / "runs")
    assert fitted is not None
    entries = [json.loads(line) for line in fitted.journal.read_text(encoding="utf-8").splitlines()]
    logged = [entry for entry in entries if entry["kind"] == "metrics"]
    trained = max(entry["time_ms"] for entry in logged if "train/loss" in entry["content"]["values"])
    figures = {
        "training seconds": trained / 1000 - start,
        "seconds of the command": seconds,
        "synthetic test, NME %": _figure(logged, "test/nme/mean"),
    }
    return figures | ({"real faces, mean of faces, NME %": _real(fitted, tracking, *real)} if real else {})


def _figure(logged: list[dict[str, Any]], name: str) -> float:
    return next(float(entry["content"]["values"][name]) for entry in logged if name in entry["content"]["values"])


def _real(fitted: RunFolder, tracking: Path, samples: str, model: str) -> float:
    result = run.main(
        [
            "test",
            f"--ckpt_path={fitted.best_checkpoint}",
            f"--data.test.root={samples}",
            f"--data.face_model.path={model}",
            f"--tracking.folder={tracking}",
            "--trainer.enable_progress_bar=false",
        ]
    )
    return float(result.reports["test"]["nme"].mean_of_faces)


if __name__ == "__main__":
    measure(tuple(sys.argv[1:]))
