"""Measures how far fitted labels of synthetic faces are from the truth, by region: python -m benchmarks.label_errors.

The faces are those that `python run.py fit` trains and validates on. The script also writes docs/labels.jpg.
"""

from dataclasses import replace
from time import process_time
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.label_picture import PICTURE, label_picture
from benchmarks.measurements import save
from datamodules.face_datamodule import FaceDataModule
from datamodules.files.bfm import read_coefficient_deviations
from datamodules.files.images import write_jpeg
from datamodules.fitted_labels import Annotations, annotate, fit_labels
from datamodules.geometry.annotation import JAW_LINE, contour_tangents, normals_of
from datamodules.geometry.camera import projections
from datamodules.geometry.face_size import box_size
from datamodules.geometry.landmark_model import LandmarkModel
from datamodules.geometry.landmarks import JAW
from datamodules.geometry.regions import five_regions
from datamodules.geometry.uv_layout import make_uv_layout
from datamodules.readers.face_index import FaceIndex
from datamodules.readers.index_options import IndexOptions
from datamodules.synthetic.default_data import SyntheticFaces
from lightning_module.evaluation.nme import YAW_BINS, dense_nme, dense_nme_3d, landmark_nme, yaw_bin

Array = NDArray[np.float64]

FACES = SyntheticFaces(samples=4500, test_samples=600, image_size=128, labels="fitted")  # those of conf/default.yaml
BATCH = 50
MAP_SIZE = 64  # texels per side of the maps that are compared
TIMED = 600  # faces
IN_VIEW = 0.02  # depth behind the nearest surface, in sizes of the face


def measure() -> dict[str, Any]:
    """Errors in percent of the face's size, and the time that the labels take."""
    data = FaceDataModule(synthetic=FACES, index=IndexOptions())
    data.prepare_data()
    exact, fitted = data.folders.training_data().index, data.folders.labelled_data().index
    model = data.folders.targets.model.morphable
    annotations = annotate(exact, np.arange(len(exact)), model, FACES.seed)
    size = box_size(annotations.true_px)[:, None]
    to_image = projections(fitted.poses, exact.image_sizes[:, 1])
    landmarks = LandmarkModel(model).project(fitted.identity, fitted.expression, to_image)
    placed, labelled = (
        100 * (points[..., :2] - annotations.true_px[..., :2]) / size[..., None]
        for points in (annotations.placed_px, landmarks)
    )
    write_jpeg(PICTURE, label_picture(exact, annotations, landmarks))
    return {
        "faces": len(exact),
        "annotated landmarks, %": _of_landmarks(placed, annotations),
        "landmarks of the labels, %": _of_landmarks(labelled, annotations),
        "surface of the labels, %": _of_surface(data, (exact, fitted), (annotations.true_px, landmarks)),
        "ms of one core a face": _milliseconds(data, exact),
    }


def _of_landmarks(apart: Array, annotations: Annotations) -> dict[str, float]:
    """Mean distances of (N, 68, 2) differences in percent, and the deviations along and across the jaw line in view."""
    distance = np.linalg.norm(apart, axis=-1)
    in_view = annotations.hidden_by < IN_VIEW
    tangents = contour_tangents(annotations.true_px[:, JAW, :2], JAW_LINE.is_closed)
    jaw_in_view = in_view[:, JAW]
    along, across = (
        ((apart[:, JAW] * axis).sum(axis=-1)[jaw_in_view] ** 2).mean() ** 0.5
        for axis in (tangents, normals_of(tangents))
    )
    figures = {
        "68": distance.mean(),
        "jaw line": distance[:, JAW].mean(),
        "others": distance[:, len(JAW) :].mean(),
        "in view": distance[in_view].mean(),
        "hidden": distance[~in_view].mean(),
        "along the jaw line in view, deviation": along,
        "across the jaw line in view, deviation": across,
    }
    return {name: round(float(value), 2) for name, value in figures.items()}


def _of_surface(
    data: FaceDataModule, indices: tuple[FaceIndex, FaceIndex], landmarks_px: tuple[Array, Array]
) -> dict[str, Any]:
    """Dense NME by region, in x and y and in x, y and z, and by yaw."""
    layout = make_uv_layout(data.folders.targets.model.morphable, MAP_SIZE)
    labels = torch.from_numpy(layout.regions)
    table = [region for region in five_regions() if region.draw is not None and region.is_face]
    masks = {region.title: labels == region.label for region in table}
    masks["face"] = torch.stack(list(masks.values())).any(dim=0)
    parts: dict[str, list[Tensor]] = {
        name: [] for name in ("68 landmarks", *masks, *(f"{name}, 3-D" for name in masks))
    }
    for first in range(0, len(indices[0]), BATCH):
        rows = slice(first, first + BATCH)
        truth, label = (_maps(data, index, rows) for index in indices)
        true_landmarks, fitted_landmarks = (
            torch.from_numpy(points[rows].astype(np.float32)) for points in landmarks_px
        )
        parts["68 landmarks"].append(landmark_nme(fitted_landmarks, true_landmarks))
        for name, mask in masks.items():
            parts[name].append(dense_nme(label, truth, mask, true_landmarks))
            parts[f"{name}, 3-D"].append(dense_nme_3d(label, truth, mask, true_landmarks))
    errors = {name: torch.cat(values) for name, values in parts.items()}
    bins = yaw_bin(torch.from_numpy(np.rad2deg(indices[0].poses[:, 1])))
    figures: dict[str, Any] = {name: round(values.mean().item(), 2) for name, values in errors.items()}
    for number, name in enumerate(YAW_BINS):
        figures[name] = {key: round(values[bins == number].mean().item(), 2) for key, values in errors.items()}
    return figures


def _maps(data: FaceDataModule, index: FaceIndex, rows: slice) -> Tensor:
    """(N, 3, 64, 64) position maps in pixels of the photographs."""
    model = data.folders.targets.model.morphable
    coefficients = model.leading_coefficients(index.identity[rows], index.expression[rows])
    to_image = torch.from_numpy(projections(index.poses[rows], index.image_sizes[rows, 1]).astype(np.float32))
    unmirrored = torch.zeros(len(coefficients), dtype=torch.bool)
    maps: Tensor = data.folders.targets.mapper(MAP_SIZE)(torch.from_numpy(coefficients), to_image, unmirrored)
    return maps


def _milliseconds(data: FaceDataModule, index: FaceIndex) -> float:
    """Processor time of one core per face, which other work on the machine hardly changes."""
    model = data.folders.targets.model
    deviations = read_coefficient_deviations(model.path, model.morphable)
    start = process_time()
    fit_labels(replace(index, keys=index.keys[:TIMED]), model.morphable, deviations, FACES.seed)
    return round(1e3 * (process_time() - start) / TIMED, 2)


if __name__ == "__main__":
    save("label_errors", "python -m benchmarks.label_errors", measure())
