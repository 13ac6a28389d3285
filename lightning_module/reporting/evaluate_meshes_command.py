"""`run.py evaluate-meshes`: evaluates the meshes of any method by the Florence protocol."""

from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from datamodules.errors import InputError
from datamodules.files.dataset_card import DatasetCard
from datamodules.files.landmark_arrays import read_points, read_yaw
from datamodules.files.mesh_files import mesh_files, read_mesh
from lightning_module.evaluation.evaluation_record import EvaluationRecord
from lightning_module.evaluation.florence import RADIUS, reconstruction_error
from lightning_module.evaluation.landmark_sets import YawUnit, in_degrees
from lightning_module.evaluation.nme import NMEReport, face_aspect
from lightning_module.evaluation.protocols import RECONSTRUCTION
from lightning_module.reporting.evaluation_output import output_record, refuse_unwritable
from lightning_module.tracking.tracking_place import TrackingOptions


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
    """Evaluates meshes by the Florence protocol: point-to-plane distance from truth to prediction, after ICP.

    Both folders hold .obj or .ply files of the same stems, and that of the truths also <stem>.npy with the (68, 3)
    landmarks of each mesh. If a prediction has landmarks too, ICP starts from them; otherwise its rotation may differ
    from that of the truth by at most about 30 degrees.

    Args:
        predictions: Folder of the method's meshes.
        truths: Folder of the true meshes, in millimetres.
        yaw: (N,) yaw of the faces in the order of the stems; without it, all faces count as frontal.
        yaw_unit: Unit of the yaw file; by default degrees, unless they are implausible.
        radius: Distance from the tip of the nose, in millimetres, within which the truth is used.
        has_scale: Whether the scale of the predictions is free.
        name: Name of the method; by default the folder name of the predictions.
        dataset: Name of the test set; by default the folder name of the truths.
        json: File to write the figures to.
        no_log: Record nothing in MLflow.
        seed: Seed of the balanced subset and the intervals.
        tracking: Where the run is recorded.

    Raises:
        InputError: If the two folders do not match, or a file cannot be read.
    """
    refuse_unwritable(json)
    if not radius > 0:
        raise InputError(f"--radius is {radius:g}: give a positive number of millimetres.")
    predicted, true = mesh_files(predictions), mesh_files(truths)
    if missing := sorted(true.keys() - predicted.keys()):
        raise InputError(f"{predictions}: holds no mesh {missing[0]} ({len(missing)} missing in all). Add them.")
    yaw_deg = np.zeros(len(true)) if yaw is None else in_degrees(read_yaw(yaw), yaw_unit, str(yaw))
    if len(yaw_deg) != len(true):
        raise InputError(f"{yaw}: holds {len(yaw_deg)} numbers for {len(true)} meshes: give one for each.")
    errors, landmarks = [], []
    for stem, path in tqdm(true.items(), "Aligning", unit="mesh", disable=None):
        landmarks.append(read_points(path.with_suffix(".npy")))
        errors.append(_error(predicted[stem], path, landmarks[-1], radius, has_scale))
    aspect = face_aspect(torch.from_numpy(np.stack(landmarks)))
    report = NMEReport(torch.tensor(errors, dtype=torch.float64), torch.from_numpy(yaw_deg), aspect)
    # other conditions make another test, whose figures must not share a table with the usual ones
    other_radius = "" if radius == RADIUS else f", radius {radius:g}"
    dataset_name = (dataset or truths.resolve().name) + other_radius + ("" if has_scale else ", scale kept")
    record = EvaluationRecord(dataset_name, DatasetCard(dataset_name).slug, {RECONSTRUCTION.name: report})
    scale = "free" if has_scale else "kept"
    print(f"Radius {radius:g} about the tip of the nose; the scale of the predictions is {scale}.")
    tags = {
        "predictions": str(predictions),
        "truths": str(truths),
        "radius": f"{radius:g}",
        "has_scale": str(has_scale),
    }
    output_record(record, name or predictions.resolve().name, seed, json, None if no_log else tracking, tags)
    return record


def _error(predicted: Path, true: Path, landmarks_68: np.ndarray, radius: float, has_scale: bool) -> float:
    """The error of one mesh, in percent of the interocular distance."""
    own = predicted.with_suffix(".npy")
    predicted_68 = read_points(own) if own.is_file() else None
    meshes = read_mesh(predicted), read_mesh(true)
    try:
        return reconstruction_error(*meshes, landmarks_68, predicted_68, radius, has_scale)
    except ValueError as error:
        raise InputError(f"{true}: {error}. Are mesh and landmarks in millimetres, and of the same face?") from error
