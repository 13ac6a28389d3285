"""Compares training with and without pose augmentation, on ten fitted photographs in five folds of eight and two.

    python -m benchmarks.pose_augmentation_folds AFLW2000_SAMPLES BFM.mat [PROCESSES]

Both sides have the same network, steps, crops and colours (conf/profile.yaml). Each network is tested on the two
photographs that it was not trained on, and on renderings of them at 60 to 90 degrees.
"""

import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

import run
from benchmarks.measurements import save
from datamodules.augmentation.pose.view_writer import Poses
from datamodules.face_datamodule import FaceDataModule
from datamodules.face_model import FaceModelOptions
from datamodules.readers.index_options import IndexOptions
from datamodules.render_views import render_views
from lightning_module.evaluation.nme import NMEReport
from lightning_module.evaluation.protocols import LANDMARKS_2D
from lightning_module.project import PROJECT

FOLDS = 5
VIEWS_DEG = (-90.0, -75.0, -60.0, 60.0, 75.0, 90.0)
SIDES = {"plain": 0.0, "augmented": 0.6}


def measure(root: str, model: str, processes: str = "2") -> None:
    """Trains both sides of all folds, and saves their errors."""
    stems = sorted(path.with_suffix("").resolve() for path in Path(root).glob("*.mat"))
    with TemporaryDirectory() as folder:
        folds = [_make_fold(Path(folder) / str(fold), stems, fold, model) for fold in range(FOLDS)]
        tasks = [(fold, side, model) for fold in folds for side in SIDES]
        with ProcessPoolExecutor(int(processes), get_context("spawn")) as pool:
            faces = [face for fold_faces in pool.map(_errors, tasks) for face in fold_faces]
    figures = {
        "photographs": len(stems),
        "NME %, faces not trained on": {
            side: _summary([face for face in faces if face["side"] == side]) for side in SIDES
        },
        "faces": sorted(faces, key=lambda face: (face["side"], face["key"])),
    }
    save("pose_augmentation_folds", "python -m benchmarks.pose_augmentation_folds AFLW2000_SAMPLES BFM.mat", figures)


def _make_fold(folder: Path, stems: list[Path], fold: int, model: str) -> Path:
    """Makes the folders `train` and `views` of a fold; `views` holds the test photographs and their renderings."""
    for number, stem in enumerate(stems):
        part = folder / ("test" if number % FOLDS == fold else "train")
        part.mkdir(parents=True, exist_ok=True)
        for ending in (".jpg", ".mat"):
            (part / stem.name).with_suffix(ending).symlink_to(stem.with_suffix(ending))
    data = FaceDataModule(
        root=folder / "test",
        face_model=FaceModelOptions(Path(model)),
        index=IndexOptions(cache_dir=folder / "cache"),
        num_workers=0,
    )
    render_views(data, folder / "views", Poses(VIEWS_DEG))
    for path in (folder / "views").glob("*_0.*"):  # the photograph itself
        path.unlink()
    for path in (folder / "test").iterdir():
        path.rename(folder / "views" / path.name)  # both are tested at once
    return folder


def _errors(task: tuple[Path, str, str]) -> list[dict[str, Any]]:
    """Trains and tests one network; returns a dictionary for each test face."""
    fold, side, model = task
    result = run.main(
        [
            "fit",
            f"--config={PROJECT / 'conf' / 'profile.yaml'}",
            f"--data.root={fold / 'train'}",
            f"--data.test.root={fold / 'views'}",
            f"--data.face_model.path={model}",
            "--data.num_workers=1",
            f"--data.index.cache_dir={fold / f'cache-{side}'}",
            f"--data.pose_augmentation.probability={SIDES[side]}",
            "--trainer.logger=false",
            "--trainer.enable_progress_bar=false",
        ]
    )
    report = result.reports["test"][LANDMARKS_2D.name]
    keys = sorted(path.stem for path in (fold / "views").glob("*.mat"))
    rmtree(fold / f"cache-{side}")
    return [
        {"side": side, "key": key, "nme": round(float(nme), 3), "yaw_deg": round(float(yaw), 1)}
        for key, nme, yaw in zip(keys, report.per_face, report.yaw_deg, strict=True)
    ]


def _summary(faces: list[dict[str, Any]]) -> dict[str, Any]:
    photographs = [face for face in faces if "_" not in face["key"]]
    report = NMEReport(*(torch.tensor([face[name] for face in photographs]) for name in ("nme", "yaw_deg")))
    counts = report.counts
    by_bin = {
        f"{name} ({counts[name]} faces)": round(error, 2) for name, error in report.by_bin.items() if counts[name]
    }
    rendered = [face["nme"] for face in faces if "_" in face["key"]]
    return {
        "photographs, mean of faces": round(report.mean_of_faces, 2),
        "photographs, by yaw": by_bin,
        f"re-renderings at 60-90 degrees ({len(rendered)})": round(float(np.mean(rendered)), 2),
    }


if __name__ == "__main__":
    measure(*sys.argv[1:])
