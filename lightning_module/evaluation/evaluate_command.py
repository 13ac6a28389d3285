"""`run.py evaluate`: any method's landmarks under the project's protocols."""

import logging
import os
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from tqdm import tqdm

from datamodules.errors import InputError
from datamodules.files.dataset_card import DatasetCard
from datamodules.files.landmark_arrays import read_landmarks, read_points, read_yaw
from datamodules.files.mesh_files import mesh_files, read_mesh
from lightning_module.evaluation.aflw2000 import is_whole_aflw2000
from lightning_module.evaluation.diagnostics import suspicions
from lightning_module.evaluation.evaluation_record import EvaluationRecord, as_json
from lightning_module.evaluation.florence import RADIUS, reconstruction_error
from lightning_module.evaluation.landmark_sets import LandmarkSet, YawUnit, in_degrees, judge
from lightning_module.evaluation.nme import NMEReport, face_aspect
from lightning_module.evaluation.protocols import LANDMARKS_2D, RECONSTRUCTION
from lightning_module.project import PROJECT
from lightning_module.reporting.evaluation_report import log_record
from lightning_module.reporting.nme_table import nme_table, spread_table
from lightning_module.tracking.environment import environment_tags
from lightning_module.tracking.tracker import Tracker, TrackingOptions

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
    """Judges landmarks that any method has predicted, prints the table and keeps it as a run in MLflow.

    Files are .npy, .npz or .mat with one array of (N, 68, 3), (N, 3, 68), (N, 68, 2) or (N, 2, 68), or with 81
    landmarks, of which the first 68 are iBUG's. Both files count pixels from the same corner, in the same image.
    Meshes instead of landmarks: evaluate --meshes PREDICTED TRUE; see evaluate --meshes --help.

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
    _refuse_unwritable(json)
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
    _report(
        record,
        method,
        seed,
        json,
        None if no_log else tracking,
        {"predictions": str(predictions), "landmarks": str(landmarks)},
    )
    return record


def evaluate_meshes(
    predictions: Path,
    truths: Path,
    yaw: Path | None = None,
    yaw_unit: YawUnit | None = None,
    radius: float = RADIUS,
    has_scale: bool = True,
    name: str | None = None,
    dataset: str | None = None,
    json: Path | None = None,
    no_log: bool = False,
    seed: int = 0,
    tracking: TrackingOptions = TrackingOptions(),  # noqa: B008  # frozen
) -> EvaluationRecord:
    """Judges meshes by the Florence protocol: from the truth to the prediction, point to plane, after ICP.

    Both folders hold .obj or .ply files of the same stems. Beside each true mesh lies <stem>.npy with its (68, 3)
    landmarks; where a prediction has one too, ICP starts from these, else from a prediction that is turned no further
    than some 30 degrees.

    Args:
        predictions: Folder of the method's meshes.
        truths: Folder of the true ones, in millimetres.
        yaw: (N,) yaw of the faces in the order of the stems; without it all stand as frontal.
        yaw_unit: Of the yaw file; degrees unless that is implausible.
        radius: About the tip of the nose, within which the truth counts.
        has_scale: Whether the scale of the predictions is free.
        name: Of the method; by default the predictions' folder name.
        dataset: Name of the test set; by default the truths' folder name.
        json: File to write the figures to.
        no_log: Keep nothing in MLflow.
        seed: Of the balanced subset and the intervals.
        tracking: Where the run is kept.
    """
    _refuse_unwritable(json)
    found, true = mesh_files(predictions), mesh_files(truths)
    if missing := sorted(true.keys() - found.keys()):
        raise InputError(f"{predictions}: holds no mesh {missing[0]} ({len(missing)} missing in all). Add them.")
    yaw_deg = np.zeros(len(true)) if yaw is None else in_degrees(read_yaw(yaw), yaw_unit, str(yaw))
    if len(yaw_deg) != len(true):
        raise InputError(f"{yaw}: holds {len(yaw_deg)} numbers for {len(true)} meshes: give one for each.")
    if not radius > 0:
        raise InputError(f"--radius is {radius:g}: give a positive number of millimetres.")
    errors, marked = [], []
    for stem, path in tqdm(true.items(), "Bringing together", unit="mesh"):
        marks = read_points(path.with_suffix(".npy"))
        marked.append(marks)
        own = found[stem].with_suffix(".npy")
        try:
            errors.append(
                reconstruction_error(
                    read_mesh(found[stem]),
                    read_mesh(path),
                    marks,
                    read_points(own) if own.is_file() else None,
                    radius,
                    has_scale,
                )
            )
        except ValueError as error:
            raise InputError(f"{path}: {error}. Are mesh and landmarks in millimetres, and of one face?") from error
    shapes = face_aspect(torch.from_numpy(np.stack(marked)))
    report = NMEReport(torch.tensor(errors, dtype=torch.float64), torch.from_numpy(yaw_deg), shapes)
    # other conditions are another test: they share no table with the usual ones
    of = (
        (dataset or truths.resolve().name)
        + ("" if radius == RADIUS else f", radius {radius:g}")
        + ("" if has_scale else ", scale kept")
    )
    record = EvaluationRecord(of, DatasetCard(of).slug, {RECONSTRUCTION.name: report})
    tags = {
        "predictions": str(predictions),
        "truths": str(truths),
        "radius": f"{radius:g}",
        "has_scale": str(has_scale),
    }
    print(
        f"Radius {radius:g} about the tip of the nose; the scale of the predictions is {'free' if has_scale else 'kept'}."
    )
    _report(record, name or predictions.resolve().name, seed, json, None if no_log else tracking, tags)
    return record


def _refuse_unwritable(json: Path | None) -> None:
    """Before anything is computed."""
    if json is None:
        return
    place = json if json.exists() else json.absolute().parent
    if json.is_dir() or not os.access(place, os.W_OK):
        raise InputError(f"{json}: cannot be written. Set --json to a file that can.")


def _report(
    record: EvaluationRecord,
    method: str,
    seed: int,
    json: Path | None,
    tracking: TrackingOptions | None,
    tags: dict[str, str],
) -> None:
    """Prints a record, writes it and makes it a run, as far as is wanted."""
    summaries = record.summaries(seed)
    is_aflw2000 = LANDMARKS_2D.name in record.reports and is_whole_aflw2000(record.reports[LANDMARKS_2D.name])
    Console().print(nme_table(summaries, f"{method} on {record.dataset}", is_aflw2000), spread_table(summaries))
    if tracking is not None:
        place = tracking.place(PROJECT)
        tags = {"command": "evaluate", "method": method, **tags, **environment_tags(PROJECT), **(tracking.tags or {})}
        tracker = Tracker(place, tracking.run_name or method, tags)
        log_record(tracker, record, summaries, step=0, is_own=True)
        tracker.end("FINISHED")
        print(f"Run {tracker.run.path}\nCompare runs: {place.how_to_view}")
    if json is not None:
        try:
            json.write_text(as_json(record.dataset, summaries))
        except OSError as error:
            raise InputError(f"{json}: cannot be written ({error.strerror}). Set --json to a file that can.") from error
