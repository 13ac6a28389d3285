"""`run.py evaluate`: any method's landmarks under the project's protocols."""

import logging
from pathlib import Path

import torch
from rich.console import Console

from datamodules.errors import InputError
from datamodules.files.dataset_card import DatasetCard
from datamodules.files.landmark_arrays import read_landmarks, read_yaw
from lightning_module.evaluation.landmark_sets import LandmarkSet, YawUnit, in_degrees, judge
from lightning_module.evaluation.record import EvaluationRecord, as_json
from lightning_module.evaluation.suspicions import suspicions
from lightning_module.reporting.environment import environment_tags
from lightning_module.reporting.evaluation_report import log_record
from lightning_module.reporting.nme_table import nme_table, spread_table
from lightning_module.reporting.tracking import Tracker, TrackingOptions

_log = logging.getLogger(__name__)
_PROJECT = Path(__file__).resolve().parents[2]


def evaluate(
    predictions: Path,
    landmarks: Path,
    yaw: Path,
    yaw_unit: YawUnit | None = None,
    name: str | None = None,
    dataset: str | None = None,
    json: Path | None = None,
    no_log: bool = False,
    seed: int = 0,
    tracking: TrackingOptions = TrackingOptions(),  # noqa: B008  # frozen
) -> EvaluationRecord:
    """Judges landmarks that any method has predicted, prints the table and keeps it as a run in MLflow.

    Files are .npy, .npz or .mat with one array of (N, 68, 3), (N, 3, 68), (N, 68, 2) or (N, 2, 68), or with 81
    landmarks, of which the first 68 are iBUG's. Both files count pixels from the same corner, in the same image.

    Args:
        predictions: The method's landmarks.
        landmarks: The true ones.
        yaw: (N,) yaw of each face.
        yaw_unit: Of the yaw file; degrees unless that is implausible.
        name: Of the method, in tables and MLflow; by default the predictions' file name.
        dataset: Name of the test set; by default the landmarks' file name.
        json: File to write the figures to.
        no_log: Keep nothing in MLflow.
        seed: Of the balanced subset and the intervals.
        tracking: Where the run is kept.
    """
    predicted = LandmarkSet(read_landmarks(predictions), str(predictions))
    truth = LandmarkSet(read_landmarks(landmarks), str(landmarks))
    reports = judge(predicted, truth, in_degrees(read_yaw(yaw), yaw_unit, str(yaw)))
    shared = min(predicted.points.shape[1], truth.points.shape[1])
    for suspicion in suspicions(
        torch.from_numpy(predicted.points[:, :shared]), torch.from_numpy(truth.points[:, :shared])
    ):
        _log.warning("%s: %s", predictions, suspicion)
    method, of = name or predictions.stem, dataset or landmarks.stem
    record = EvaluationRecord(of, DatasetCard(of).slug, reports)
    summaries = record.summaries(seed)
    Console().print(nme_table(summaries, f"{method} on {of}"), spread_table(summaries))
    if json is not None:
        try:
            json.write_text(as_json(of, summaries))
        except OSError as error:
            raise InputError(f"{json}: cannot be written ({error.strerror}). Set --json to a file that can.") from error
    if not no_log:
        place = tracking.place(_PROJECT)
        tags = {"command": "evaluate", "method": method, "predictions": str(predictions), "landmarks": str(landmarks),
                **environment_tags(_PROJECT), **(tracking.tags or {})}  # fmt: skip
        tracker = Tracker(place, tracking.run_name or method, tags)
        log_record(tracker, record, summaries, step=0, is_own=True)
        tracker.end("FINISHED")
        print(f"Run {tracker.run.path}\nCompare runs: {place.look}")
    return record
