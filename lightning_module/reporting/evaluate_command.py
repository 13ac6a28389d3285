"""`run.py evaluate`: evaluates the landmarks of any method."""

import logging
from pathlib import Path

import torch

from datamodules.files.dataset_card import DatasetCard
from datamodules.files.landmark_arrays import read_landmarks, read_yaw
from lightning_module.evaluation.diagnostics import diagnose
from lightning_module.evaluation.evaluation_record import EvaluationRecord
from lightning_module.evaluation.landmark_sets import LandmarkSet, YawUnit, evaluate_landmarks, in_degrees
from lightning_module.reporting.evaluation_output import output_record, refuse_unwritable
from lightning_module.tracking.tracking_place import TrackingOptions

_log = logging.getLogger(__name__)


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
    """Evaluates the landmarks of any method, prints a table, and records a run in MLflow.

    Files are .npy, .npz or .mat with one array of (N, 68, 3), (N, 3, 68), (N, 68, 2) or (N, 2, 68), or with 81
    landmarks, of which the first 68 are iBUG's. Both files use the pixels of the same image, with the same origin.
    For meshes, see evaluate-meshes.

    Args:
        predictions: The method's landmarks.
        landmarks: The ground truth.
        yaw: (N,) yaw of each face.
        yaw_unit: Unit of the yaw file; by default degrees, unless they are implausible.
        name: Name of the method in tables and MLflow; by default the file name of the predictions.
        dataset: Name of the test set; by default the file name of the landmarks.
        json: File to write the figures to.
        no_log: Record nothing in MLflow.
        seed: Seed of the balanced subset and the intervals.
        tracking: Where the run is recorded.
    """
    refuse_unwritable(json)
    predicted = LandmarkSet(read_landmarks(predictions), str(predictions))
    truth = LandmarkSet(read_landmarks(landmarks), str(landmarks))
    reports = evaluate_landmarks(predicted, truth, in_degrees(read_yaw(yaw), yaw_unit, str(yaw)))
    shared = min(predicted.points.shape[1], truth.points.shape[1])
    predicted_points, true_points = (torch.from_numpy(points.points[:, :shared]) for points in (predicted, truth))
    for fault in diagnose(predicted_points, true_points):
        _log.warning("%s: %s", predictions, fault)
    dataset_name = dataset or landmarks.stem
    record = EvaluationRecord(dataset_name, DatasetCard(dataset_name).slug, reports)
    tags = {"predictions": str(predictions), "landmarks": str(landmarks)}
    output_record(record, name or predictions.stem, seed, json, None if no_log else tracking, tags)
    return record
