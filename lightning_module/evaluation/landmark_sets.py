"""Checks landmarks of many faces, and evaluates them under all protocols that apply."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from datamodules.errors import InputError
from datamodules.geometry.landmarks import LANDMARKS_68, LANDMARKS_81
from lightning_module.evaluation.nme import NMEReport, face_aspect
from lightning_module.evaluation.protocols import LANDMARK_PROTOCOLS, LANDMARKS_81_2D

Array = NDArray[np.float64]
YawUnit = Literal["degrees", "radians"]

_MOST_RADIANS = 2 * np.pi
_FEW_FACES = 10  # so few could all be nearly frontal by chance


@dataclass(frozen=True, eq=False)
class LandmarkSet:
    """Landmarks of many faces, predicted or true.

    Attributes:
        points: (N, 68 or 81, 2 or 3) in pixels.
        name: Name of their file, for messages.
    """

    points: Array
    name: str


def evaluate_landmarks(predicted: LandmarkSet, truth: LandmarkSet, yaw_deg: Array) -> dict[str, NMEReport]:
    """NME by protocol: 3-D protocols if both sets have z, and that of 81 landmarks if both have them.

    Raises:
        InputError: If the two sets do not match.
    """
    faces = len(truth.points)
    if len(predicted.points) != faces:
        raise InputError(
            f"{predicted.name}: holds {len(predicted.points)} faces, the ground truth {truth.name} {faces}. Give the "
            "predictions of exactly these faces, in the same order."
        )
    if len(yaw_deg) != faces:
        raise InputError(f"the yaw file holds {len(yaw_deg)} numbers for {faces} faces: give one for each face.")
    corners = truth.points[:, :LANDMARKS_68, :2]
    if len(flat := np.flatnonzero(np.ptp(corners, axis=1).min(axis=1) <= 0)):
        raise InputError(
            f"{truth.name}: the landmarks of face {flat[0]} span no area. Leave this face out of all files."
        )
    yaw = torch.from_numpy(yaw_deg)
    has_depth = min(predicted.points.shape[2], truth.points.shape[2]) == 3
    points, true_points = torch.from_numpy(predicted.points), torch.from_numpy(truth.points)
    aspect = face_aspect(true_points)
    reports = {
        protocol.name: NMEReport(protocol.error(points[:, :LANDMARKS_68], true_points[:, :LANDMARKS_68]), yaw, aspect)
        for protocol in LANDMARK_PROTOCOLS
        if protocol.dimensions == 2 or has_depth
    }
    if points.shape[1] == true_points.shape[1] == LANDMARKS_81:
        reports[LANDMARKS_81_2D.name] = NMEReport(LANDMARKS_81_2D.error(points, true_points), yaw, aspect)
    return reports


def in_degrees(yaw: Array, unit: YawUnit | None, name: str) -> Array:
    """(N,) yaw in degrees.

    Raises:
        InputError: If no unit is given and the values look like radians.
    """
    if unit == "radians":
        return np.rad2deg(yaw)
    if unit is None and len(yaw) >= _FEW_FACES and np.abs(yaw).max() <= _MOST_RADIANS:
        raise InputError(
            f"{name}: no yaw is beyond {np.abs(yaw).max():.2f}, which looks like radians. Give --yaw_unit radians, or "
            "--yaw_unit degrees if all faces are this frontal."
        )
    return yaw
