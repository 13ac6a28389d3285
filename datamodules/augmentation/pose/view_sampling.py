"""Random poses and lights at which a fitted face is rendered."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from datamodules.augmentation.pose.pose_options import PoseAugmentation
from datamodules.geometry.camera import HeadPose
from datamodules.types import FaceRecord


@dataclass(frozen=True, eq=False)
class View:
    """A photographed face at another pose.

    Attributes:
        photograph: The face at the pose of its photograph.
        face: The face as it is rendered, in the photograph's pixels; its landmarks are the model's.
        light: (3,) direction of the added light, scaled by its strength.
        partner: Position of the face whose tone is combined with this one's detail, or None.
    """

    photograph: FaceRecord
    face: FaceRecord
    light: NDArray[np.float64]
    partner: int | None


def sample_view(
    photograph: FaceRecord,
    centre: NDArray[np.floating],
    options: PoseAugmentation,
    partners: int,
    rng: np.random.Generator,
) -> View:
    """A random view of a face.

    Args:
        photograph: The face at the pose of its photograph.
        centre: (3,) point of model space that heads are rotated about.
        options: Ranges.
        partners: Number of faces whose tone can be used.
        rng: Draws the view.
    """
    yaw = np.deg2rad(rng.uniform(*options.yaw_deg))
    pitch, roll = np.deg2rad(options.tilt_deg) * rng.normal(size=2)
    pose = photograph.pose
    rotated = rotated_pose(pose, (pose.pitch_rad + pitch, yaw, pose.roll_rad + roll), centre)
    count = len(photograph.identity)
    factors = 1 + options.coefficients * rng.normal(size=count + len(photograph.expression))
    direction = rng.normal(size=3)
    light = rng.uniform(0, options.light) * direction / np.linalg.norm(direction)
    has_partner, partner = rng.random() < options.crossover_probability, int(rng.integers(partners))
    varied = replace(
        photograph,
        identity=(photograph.identity * factors[:count]).astype(np.float32),
        expression=(photograph.expression * factors[count:]).astype(np.float32),
    )
    return View(photograph, at_pose(varied, rotated), light, partner if has_partner else None)


def at_pose(face: FaceRecord, pose: HeadPose) -> FaceRecord:
    """A face at another pose, without landmarks of its own: those of the model apply."""
    return replace(face, pose=pose, landmarks_image_px=None)


def rotated_pose(pose: HeadPose, angles_rad: tuple[float, float, float], centre: NDArray[np.floating]) -> HeadPose:
    """The pose with other angles (pitch, yaw, roll), rotated about a fixed point of model space."""
    pitch, yaw, roll = (float(angle) for angle in angles_rad)
    rotated = replace(pose, pitch_rad=pitch, yaw_rad=yaw, roll_rad=roll)
    moved = pose.scale * (pose.rotation() - rotated.rotation()) @ centre
    return replace(rotated, translation_px=pose.translation_px + moved)
