"""`run.py evaluate`: evaluates the landmarks of any system, from files or by running it."""

import logging
from pathlib import Path

import torch

from datamodules.errors import InputError
from datamodules.files.dataset_card import DatasetCard
from datamodules.files.format_recognition import AUTO
from datamodules.files.landmark_formats import FormatAids, read_roi_boxes
from datamodules.landmark_test_data import LandmarkTestData
from lightning_module.evaluation.diagnostics import diagnose
from lightning_module.evaluation.evaluation_record import EvaluationRecord
from lightning_module.evaluation.landmark_sets import LandmarkSet, YawUnit, evaluate_landmarks
from lightning_module.inference.systems.compared_system import SystemBoxes, SystemName, load_system, run_system
from lightning_module.inference.systems.predicted_landmarks import (
    PredictedLandmarks,
    crowded_note,
    read_predictions,
)
from lightning_module.inference.systems.true_landmarks import FirstPixel, TrueLandmarks, of_files, of_test_set
from lightning_module.reporting.evaluation_output import output_record, refuse_unwritable
from lightning_module.tracking.tracking_place import TrackingOptions

_log = logging.getLogger(__name__)


def evaluate(
    predictions: Path | None = None,
    landmarks: Path | None = None,
    yaw: Path | None = None,
    yaw_unit: YawUnit | None = None,
    predictions_format: str = AUTO,
    predictions_first_pixel: FirstPixel | None = None,
    landmarks_first_pixel: FirstPixel | None = None,
    roi_boxes: Path | None = None,
    system: SystemName | None = None,
    system_boxes: SystemBoxes = "detector",
    data: LandmarkTestData = LandmarkTestData(),  # noqa: B008  # frozen
    name: str | None = None,
    dataset: str | None = None,
    json: Path | None = None,
    no_log: bool = False,
    seed: int = 0,
    tracking: TrackingOptions = TrackingOptions(),  # noqa: B008  # frozen
) -> EvaluationRecord:
    """Evaluates the landmarks of any system, prints a table, and records a run in MLflow.

    The landmarks come from --predictions, or from --system, which is run. The truth comes from --data.test.root, or from
    --landmarks and --yaw. For meshes, see evaluate-meshes.

    Args:
        predictions: The system's landmarks: a .npy, .npz or .mat file of (N, 68, 3), (N, 3, 68), (N, 68, 2) or (N, 2, 68),
            or with 81 landmarks, of which the first 68 are iBUG's; or a folder or .npz file with an array for each
            photograph, or what 3DDFA (v1), 3DDFA_V2 or face-alignment write.
        landmarks: The ground truth, in a file of such an array.
        yaw: (N,) yaw of each face.
        yaw_unit: Unit of the yaw file; by default degrees, unless they are implausible.
        predictions_format: Format of the predictions: 3ddfa, 3ddfa-vertex, 3ddfa-crop, 3ddfa_v2, face-alignment, or array
            for any other; "auto" recognises it, and says which.
        predictions_first_pixel: Coordinate of the first pixel in the predictions, 0 or 1; by default that of the format.
        landmarks_first_pixel: The same of the ground truth file; by default 0, and 1 for 3DDFA's AFLW2000-3D.pts68.npy.
        roi_boxes: (N, 4) crops of 3DDFA's benchmark, AFLW2000-3D_crop.roi_box.npy, for predictions in the pixels of crops.
        system: A system to run on the photographs of --data.test.root, "face-alignment".
        system_boxes: Whether the system detects the faces, or is given the boxes of the true landmarks ("truth"), from
            which `run.py test` crops too.
        data: The test set.
        name: Name of the system in tables and MLflow; by default that of --system, or the file name of the predictions.
        dataset: Name of the test set; by default that of its folder, or the file name of the landmarks.
        json: File to write the figures to.
        no_log: Record nothing in MLflow.
        seed: Seed of the balanced subset and the intervals.
        tracking: Where the run is recorded.

    Raises:
        InputError: If options contradict each other, or a file cannot be read.
    """
    refuse_unwritable(json)
    _check(predictions, landmarks, yaw, system, system_boxes, data)
    if landmarks is None and landmarks_first_pixel is not None:
        raise InputError("--landmarks_first_pixel belongs to --landmarks. Give --data.test.landmarks_first_pixel.")
    if system is not None:
        truth, predicted = _run(system, system_boxes, data)
    else:
        assert predictions is not None  # as checked
        has_folder = data.test.root is not None
        truth = of_test_set(data.opened()) if has_folder else of_files(landmarks, yaw, yaw_unit, landmarks_first_pixel)
        aids = FormatAids(
            data.landmark_vertices if data.has_model else None, None if roi_boxes is None else read_roi_boxes(roi_boxes)
        )
        predicted = read_predictions(predictions, truth, predictions_format, predictions_first_pixel, aids)
    print("\n".join(predicted.notes))
    reports = evaluate_landmarks(predicted.landmarks, truth.landmarks, truth.yaw_deg)
    _warn(predicted.landmarks, truth.landmarks)
    card = truth.card if dataset is None else DatasetCard(dataset)
    record = EvaluationRecord(str(card), card.slug, reports, truth.fingerprint)
    tags = {**predicted.tags, "landmarks": truth.landmarks.name}
    label = _label(system, system_boxes) if predictions is None else _name(predictions)
    output_record(record, name or label, seed, json, None if no_log else tracking, tags)
    return record


def _check(
    predictions: Path | None,
    landmarks: Path | None,
    yaw: Path | None,
    system: SystemName | None,
    boxes: SystemBoxes,
    data: LandmarkTestData,
) -> None:
    """Raises InputError unless there is one source of predictions and one of the truth."""
    if (predictions is None) == (system is None):
        raise InputError("give one of --predictions and --system: landmarks that were predicted, or a system to run.")
    if system is None and boxes != "detector":
        raise InputError("--system_boxes belongs to --system. Leave it out.")
    if data.test.root is not None and (landmarks is not None or yaw is not None):
        option = "--yaw" if landmarks is None else "--landmarks"
        raise InputError(
            f"{option} and --data.test.root both give the truth: leave one of them out. --data.test.landmarks replaces the "
            "landmarks of the samples."
        )
    if system is not None and data.test.root is None:
        raise InputError(f"--data.test.root is not set: --system {system} needs the folder of the photographs.")


def _run(system: SystemName, boxes: SystemBoxes, data: LandmarkTestData) -> tuple[TrueLandmarks, PredictedLandmarks]:
    loaded = load_system(system)  # before a data set is indexed in vain
    faces = data.opened()
    run = run_system(loaded, system, faces, boxes)
    notes = [f"{system}: {tuple(run.landmarks_px.shape[1:])} per face; y downwards, counted from 0."]
    if run.missed:
        count = f"{len(run.missed)} of {len(faces.keys)}"
        notes.append(
            f"{system} did not find the face in {count} photographs, and was given the box of the true landmarks there: "
            f"{', '.join(run.missed)}."
        )
    if run.crowded:
        notes.append(crowded_note(run.crowded, len(faces.keys)))
    tags = {"system": system, "system_boxes": boxes, "faces_not_found": str(len(run.missed))}
    return of_test_set(faces), PredictedLandmarks(LandmarkSet(run.landmarks_px, system), notes, tags)


def _label(system: SystemName | None, boxes: SystemBoxes) -> str:
    return f"{system}, true boxes" if boxes == "truth" else str(system)


def _name(predictions: Path) -> str:
    return predictions.resolve().name if predictions.is_dir() else predictions.stem


def _warn(predicted: LandmarkSet, truth: LandmarkSet) -> None:
    """Warns of systematic faults of the predictions."""
    shared = min(predicted.points.shape[1], truth.points.shape[1])
    predicted_points, true_points = (torch.from_numpy(points.points[:, :shared]) for points in (predicted, truth))
    for fault in diagnose(predicted_points, true_points):
        _log.warning("%s: %s", predicted.name, fault)
