"""`run.py fit-landmarks`: fits a face model to photographs with 68 landmarks."""

import logging
import shutil
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from datamodules.errors import InputError, cannot_write, described
from datamodules.files.atomic_files import whole_file
from datamodules.files.bfm import read_coefficient_deviations, read_morphable_model
from datamodules.files.face_mat import write_face_mat
from datamodules.files.images import is_upright, read_image_size
from datamodules.files.landmark_arrays import read_landmarks, read_points
from datamodules.files.listed_names import check_text, is_hidden, shown
from datamodules.geometry.landmark_fit import fit_landmarks, landmark_error
from datamodules.geometry.landmark_model import LandmarkModel
from datamodules.geometry.landmarks import LANDMARKS_68
from datamodules.geometry.morphable_model import MorphableModel
from datamodules.types import FaceParameters

_log = logging.getLogger(__name__)

_LARGEST_ERROR_PERCENT = 4.0  # of the face's size, in x, y, z; good fits have less than 1, reversed depth over 5
_LEAST_INSIDE = 0.5  # fraction of the landmarks


def fit_photographs(
    photos: Path,
    morphable_model: Path,
    landmarks: Path | None = None,
    first_pixel: Literal[0, 1] = 0,
    uv_coordinates: Path | None = None,
    out: Path | None = None,
) -> int:
    """Fits a face model to photographs with 68 3-D landmarks, and writes their .mat files.

    Args:
        photos: Folder of <stem>.jpg.
        morphable_model: BFM.mat, with the deviations of its coefficients (shapeEV, expEV).
        landmarks: .npy, .npz or .mat of (N, 68, 3), whose rows belong to the sorted names of the photographs; by
            default <stem>.npy of (68, 3) next to each. In pixels, y downwards; larger z is nearer.
        first_pixel: Coordinate of the first pixel in the landmarks, 0 or 1.
        uv_coordinates: The model's texture coordinates; by default BFM_UV.mat in the same folder.
        out: Folder for <stem>.mat and a copy of <stem>.jpg; by default that of the photographs. Existing files
            are kept.

    Returns:
        Number of photographs fitted.
    """
    if not photos.is_dir():
        raise InputError(f"{photos}: there is no such folder. Set --photos.")
    images = sorted(path for path in photos.glob("*.jpg") if not is_hidden(path.name))
    if not images:
        raise InputError(f"{photos}: holds no .jpg. Set --photos to the folder of the photographs.")
    model = read_morphable_model(morphable_model, uv_coordinates)
    deviations = read_coefficient_deviations(morphable_model, model)
    rows = None if landmarks is None else _rows(landmarks, images)
    folder, landmark_model = out or photos, LandmarkModel(model)
    errors: list[float] = []
    kept, faults = 0, []
    for number, image in enumerate(tqdm(images, desc="Fitting", unit="face", leave=False, disable=None)):
        place = folder / f"{image.stem}.mat"
        if place.exists():
            kept += 1
            continue
        try:
            points = read_points(image.with_suffix(".npy")) if rows is None else rows[number]
            points = points - [[first_pixel] * 2 + [0]]
            face, size, error = _fitted(image, points, model, landmark_model, deviations)
        except InputError as fault:
            faults.append(str(fault))
            continue
        # what the libraries raise depends on the photograph and its landmarks
        except Exception as fault:  # noqa: BLE001
            faults.append(f"{shown(image)}: cannot be fitted ({described(fault)}). Leave it out.")
            continue
        _write(face, size, image, place)
        errors.append(error)
    if faults:
        _log.warning("%d of %d photographs were not fitted:\n%s", len(faults), len(images), "\n".join(faults))
    if not errors and not kept:
        raise InputError(f"{photos}: none of its {len(images)} photographs could be fitted; the first: {faults[0]}")
    if faults and folder.resolve() == photos.resolve():
        advice = f"Move what was not fitted out of {photos} before you train on it."
    else:
        uv = f" --data.face_model.uv_coordinates {uv_coordinates}" if uv_coordinates else ""
        advice = f"Train on them: python run.py fit --data.root {folder} --data.face_model.path {morphable_model}{uv}"
    distance = f", {np.mean(errors):.2f} % of the face's size from their landmarks on average" if errors else ""
    print(f"{len(errors)} photographs fitted{distance}; {kept} had been fitted before.\n{advice}")
    return len(errors)


def _fitted(
    image: Path,
    points: NDArray[np.float64],
    model: MorphableModel,
    landmarks: LandmarkModel,
    deviations: NDArray[np.float64],
) -> tuple[FaceParameters, tuple[int, int], float]:
    """The face of (68, 3) landmarks, width and height of its photograph, and the error of the fit in percent.

    Raises:
        InputError: If the photograph and the landmarks cannot belong together.
    """
    size = read_image_size(image)
    _check(image, size, points)
    identity, expression, pose = fit_landmarks(points, size[1], model, deviations)
    to_image = pose.projection(size[1])
    fitted = landmarks.project(identity[None], expression[None], to_image[None])[0]
    error = landmark_error(fitted, points)
    if error > _LARGEST_ERROR_PERCENT:
        raise InputError(
            f"{image}: the best fit is {error:.1f} % of the face's size away from its landmarks. Are they iBUG's 68, "
            "with y downwards and z towards the camera?"
        )
    return FaceParameters(identity, expression, pose.pose_para(), points.astype(np.float32)), size, error


def _check(image: Path, size: tuple[int, int], points: NDArray[np.float64]) -> None:
    check_text(image)
    if not is_upright(image):
        raise InputError(
            f"{image}: its pixels are stored rotated (EXIF orientation), so its landmarks are ambiguous. Save it upright."
        )
    if not np.ptp(points[:, :2], axis=0).all():
        raise InputError(f"{image}: its landmarks span no area. Leave the photograph out.")
    inside = ((points[:, :2] >= 0) & (points[:, :2] <= np.array(size) - 1)).all(axis=1).mean()
    if inside < _LEAST_INSIDE:
        raise InputError(f"{image}: {1 - inside:.0%} of its landmarks lie outside it. Do they belong to it?")


def _rows(landmarks: Path, images: list[Path]) -> NDArray[np.float64]:
    rows = read_landmarks(landmarks)
    if rows.shape[1:] != (LANDMARKS_68, 3):
        raise InputError(
            f"{landmarks}: holds {rows.shape[1]} landmarks of {rows.shape[2]} numbers. Give 68 of x, y, z."
        )
    if len(rows) != len(images):
        raise InputError(
            f"{landmarks}: holds {len(rows)} faces, {images[0].parent} {len(images)} photographs. Its rows belong to "
            "their sorted names."
        )
    return rows


def _write(face: FaceParameters, size: tuple[int, int], image: Path, place: Path) -> None:
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.parent.resolve() != image.parent.resolve():
            with whole_file(place.with_suffix(".jpg")) as path:
                shutil.copyfile(image, path)
        with whole_file(place) as path:
            write_face_mat(path, face, size)
    except OSError as error:
        raise cannot_write(place.parent, error, "--out") from error
