"""From where, and in what light, a fitted face is to be seen."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from datamodules.errors import InputError
from datamodules.geometry.camera import HeadPose
from datamodules.types import FaceRecord


@dataclass(frozen=True)
class Profiling:
    """How faces are turned.

    Args:
        yaw_deg: Range of the new yaw, all of it alike.
        tilt_deg: Standard deviation of the change of pitch and roll.
        coefficients: Standard deviation of the factors that identity and expression coefficients are varied by.
        light: How much brighter or darker, at most, one side becomes than the middle.
        crossover_probability: How often the skin's detail is laid over the tone of another face.
    """

    yaw_deg: tuple[float, float] = (-90.0, 90.0)
    tilt_deg: float = 8.0
    coefficients: float = 0.1
    light: float = 0.25
    crossover_probability: float = 0.0

    def __post_init__(self) -> None:
        low, high = self.yaw_deg
        if not -90 <= low <= high <= 90:
            raise InputError(f"profiling.yaw_deg is [{low:g}, {high:g}]: give two angles, -90 <= low <= high <= 90.")
        for name, most in (("tilt_deg", 45), ("coefficients", 1), ("light", 1), ("crossover_probability", 1)):
            if not 0 <= getattr(self, name) <= most:
                raise InputError(f"profiling.{name} is {getattr(self, name):g}: give a number from 0 to {most}.")


@dataclass(frozen=True, eq=False)
class View:
    """One way to see a face.

    Attributes:
        photograph: The face as its photograph has it.
        record: The same as it is to be seen, still in the photograph's pixels; its landmarks are the model's.
        light: (3,) change of light that falls along the surface's normal.
        partner: Which other face lends its tone; None for none.
    """

    photograph: FaceRecord
    record: FaceRecord
    light: NDArray[np.float64]
    partner: int | None


def draw_view(
    face: FaceRecord, centre: NDArray[np.floating], settings: Profiling, partners: int, rng: np.random.Generator
) -> View:
    """A view by chance.

    Args:
        face: As its photograph has it.
        centre: (3,) point of model space that heads are turned about.
        settings: Ranges.
        partners: How many faces there are to lend a tone.
        rng: Decides.
    """
    yaw = np.deg2rad(rng.uniform(*settings.yaw_deg))
    pitch, roll = np.deg2rad(settings.tilt_deg) * rng.normal(size=2)
    pose = turned(face.pose, (face.pose.pitch_rad + pitch, yaw, face.pose.roll_rad + roll), centre)
    factors = 1 + settings.coefficients * rng.normal(size=len(face.coefficients))
    direction = rng.normal(size=3)
    light = rng.uniform(0, settings.light) * direction / np.linalg.norm(direction)
    has_partner, partner = rng.random() < settings.crossover_probability, int(rng.integers(partners))
    coefficients = (face.coefficients * factors).astype(np.float32)
    return View(face, seen_so(face, pose, coefficients), light, partner if has_partner else None)


def seen_so(face: FaceRecord, pose: HeadPose, coefficients: NDArray[np.float32] | None = None) -> FaceRecord:
    """A face in another pose; its landmarks then are the model's own."""
    coefficients = face.coefficients if coefficients is None else coefficients
    return replace(face, pose=pose, coefficients=coefficients, landmarks_68_px=None)


def turned(pose: HeadPose, angles_rad: tuple[float, float, float], centre: NDArray[np.floating]) -> HeadPose:
    """The pose of a head turned to pitch, yaw, roll about a point of model space, which stays where it is."""
    turned_there = replace(
        pose, pitch_rad=float(angles_rad[0]), yaw_rad=float(angles_rad[1]), roll_rad=float(angles_rad[2])
    )
    moved = pose.scale * (pose.rotation() - turned_there.rotation()) @ centre
    return replace(turned_there, translation_px=pose.translation_px + moved)
