"""Sweeps whose fits are formulas, in moments; as a program, a worker of such a sweep."""

import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from lightning_module.evaluation.score import Score
from sweeps.search_space import SearchSpace
from sweeps.settings import SweepSettings
from sweeps.storage import open_storage
from sweeps.training import MeasuredErrors, TrainingRequest, TrainingResult
from sweeps.worker_process import stage_queue, work, work_for_parent

FACES = 30
DATA = {"data": "d", "morphable_model": "m", "test_data": "t"}
BINS = np.repeat([0, 1, 2], FACES // 3)


def settings(folder: Path, **others: object) -> SweepSettings:
    """A sweep that keeps everything in a folder."""
    config = folder / "trial.yaml"
    if not config.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        config.write_text("trainer: {max_epochs: 1}\n")
    known = {
        "study": "stub",
        "storage": f"sqlite:///{folder / 'optuna.db'}",
        "tracking_uri": f"sqlite:///{folder / 'mlflow.db'}",
        "folder": folder,
        "experiment": "stub",
        "config": config,
        "n_trials": 6,
        "scores": (Score("nme", "mean"),),
        "sampler": "tpe",
        "pruner": "none",
        "seed": 0,
        "search_seeds": 1,
        "confirm_ratios": 1,
        "confirm_seeds": 6,
        "space": SearchSpace(),
    }
    return SweepSettings(**(known | others))


def branched(folder: Path, **others: object) -> SweepSettings:
    """The same with trials that branch after two of four epochs."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "trial.yaml").write_text("trainer: {max_epochs: 4, check_val_every_n_epoch: 1}\n")
    return settings(folder, **({"strategy": "branched"} | others))


def finished_search(asked: SweepSettings, train: Callable[[TrainingRequest], TrainingResult] | None = None) -> list:
    """The trials of a search, done here and now; by default its fits are formulas."""
    if asked.is_branched:
        work("trunk", asked, train or formula)
    work("search", asked, train or formula)
    return stage_queue("search", asked, open_storage(asked.storage)).finished()


def nme(request: TrainingRequest, epoch: int = 0) -> np.ndarray:
    """(3,) by bin: least where eyes and nose weigh 20; a seed moves all ratios alike, and each a little."""
    weights = request.weights
    away = abs(np.log(weights.by_name["eyes_nose"] / 20))
    deviation = float(os.environ.get("STUB_LUCK", "0.01"))
    luck = np.random.default_rng([request.seed, round(1000 * weights.by_name["eyes_nose"])]).normal(0, deviation)
    return np.array([3.0, 4.0, 6.0]) + away + 0.2 * (request.seed % 7) + luck - epoch


def keep(request: TrainingRequest, run: str) -> None:
    """The checkpoints that a fit keeps, of a network whose parameters are its seed and its weights."""
    for epoch in request.keep_epochs:
        path = request.settings.folder / "runs" / run / f"epoch_{epoch}.ckpt"
        path.parent.mkdir(parents=True, exist_ok=True)
        state = torch.tensor([request.seed, *request.weights.values])
        torch.save({"hyper_parameters": {}, "state_dict": {"parameters": state}}, path)


def formula(request: TrainingRequest) -> TrainingResult:
    """A fit of two epochs that takes no time."""
    for epoch in range(2):
        by_bin = dict(zip(("yaw_00_30", "yaw_30_60", "yaw_60_90"), nme(request, epoch), strict=True))
        is_pruned = not request.on_validation({"nme": by_bin}) and epoch == 0
        if is_pruned:
            break
    test = (
        MeasuredErrors(nme(request, 1)[BINS] + np.linspace(-0.5, 0.5, FACES), BINS, "formula", "same")
        if request.is_tested
        else None
    )
    run = f"{request.weights.ratio} s{request.seed}"
    keep(request, run)
    return TrainingResult(run, is_pruned, DATA, test, epoch + 1)


def tracked(request: TrainingRequest) -> TrainingResult:
    """The same with a run in MLflow, and long enough to be killed in."""
    from lightning_module.tracking.tracker import Tracker
    from lightning_module.tracking.tracking_place import TrackingPlace

    place = TrackingPlace(request.settings.tracking_uri, request.settings.folder, request.settings.experiment)
    tracker = Tracker(place, request.weights.ratio, request.tags)
    time.sleep(float(os.environ.get("STUB_SECONDS", "0.5")))
    result = formula(request)
    keep(request, tracker.run.key)
    tracker.end("FINISHED")
    return replace(result, run=tracker.run.key)


if __name__ == "__main__":
    work_for_parent(sys.argv[1], tracked if "STUB_SECONDS" in os.environ else formula)
