"""Random synthetic faces: identity, expression, head pose and appearance."""

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from datamodules.geometry.camera import HeadPose, project
from datamodules.geometry.crop import CROP_MARGIN
from datamodules.geometry.landmark_model import LandmarkModel
from datamodules.synthetic.ages import aged, draw_age
from datamodules.synthetic.expression import expression_names
from datamodules.synthetic.expression_draws import draw_expression
from datamodules.synthetic.head import Array
from datamodules.synthetic.head_model import synthetic_model
from datamodules.synthetic.head_poses import draw_tilt_deg
from datamodules.synthetic.looks import Look, adorned, draw_look
from datamodules.synthetic.variety import NO_VARIETY, Variety, option_generator

_MOST_DEVIATIONS = 2.6
_TRIES = 50
CROP_SHARE = 0.72  # side of the plain crop / side of the image; leaves room for jitter and rotation


@dataclass(frozen=True, eq=False)
class SyntheticFace:
    """One view of one person.

    Attributes:
        identity: (K,) identity coefficients.
        expression: (L,) expression coefficients.
        pose: (7,) pitch, yaw, roll (radians), tx, ty, tz, scale, as on disk.
        image_size: Pixels per side.
        look: Appearance of the person.
        gaze: Displacement of the irises in millimetres, sideways and upwards.
        variety: What it varies in beyond the default.
    """

    identity: NDArray[np.float32]
    expression: NDArray[np.float32]
    pose: NDArray[np.float32]
    image_size: int
    look: Look
    gaze: tuple[float, float]
    variety: Variety = NO_VARIETY

    @property
    def head_pose(self) -> HeadPose:
        """The pose, with its angles named."""
        return HeadPose.from_pose_para(self.pose)

    def landmarks_image_px(self) -> Array:
        """(68, 3) in 0-based pixels."""
        projection = self.head_pose.projection(self.image_size)
        return np.asarray(
            _landmarks(self.variety).project(self.identity[None], self.expression[None], projection[None])[0]
        )


def draw_person(rng: np.random.Generator, variety: Variety = NO_VARIETY) -> tuple[NDArray[np.float32], Look]:
    """Draws a person: (K,) identity coefficients with plausible proportions, and an appearance."""
    identity = _draw_identity(rng, NO_VARIETY)
    look = draw_look(rng)
    if variety.proportions:
        identity = _draw_identity(option_generator(rng, "proportions"), replace(NO_VARIETY, proportions=True))
    age = draw_age(rng, variety)
    look = adorned(aged(look, age, rng), rng, variety, is_child=age.years is not None)
    return np.concatenate([identity, age.coefficients]), look


def _draw_identity(rng: np.random.Generator, variety: Variety) -> NDArray[np.float32]:
    model = synthetic_model(variety)
    for _ in range(_TRIES):
        draw = rng.normal(size=len(model.identity_deviations)).clip(-_MOST_DEVIATIONS, _MOST_DEVIATIONS)
        identity = (draw * model.identity_deviations).astype(np.float32)
        if _is_plausible(identity, variety):
            break
    return identity


def draw_face(
    identity: NDArray[np.float32],
    look: Look,
    yaw_deg: float,
    tilt_deg: tuple[float, float],
    image_size: int,
    rng: np.random.Generator,
    variety: Variety = NO_VARIETY,
) -> SyntheticFace:
    """Draws a view of a person at a yaw; pitch and roll have the standard deviations `tilt_deg`."""
    expression = draw_expression(rng, variety)
    pitch, roll = draw_tilt_deg(tilt_deg, rng, variety)
    gaze = (float(rng.normal(0, 2.2)), float(rng.normal(0, 1.0)))
    share = CROP_SHARE * rng.uniform(0.9, 1.05)
    centre = (0.5 + rng.uniform(-0.03, 0.03, 2)) * image_size
    angles = np.deg2rad([pitch, yaw_deg, roll])
    pose = _placed(identity, expression, angles, share * image_size, centre, image_size, variety)
    return SyntheticFace(identity, expression, pose, image_size, look, gaze, variety)


def _placed(
    identity: NDArray[np.float32],
    expression: NDArray[np.float32],
    angles: Array,
    crop_side_px: float,
    centre_px: Array,
    image_size: int,
    variety: Variety,
) -> NDArray[np.float32]:
    """The pose at which the crop has a given side and centre."""
    rotated = project(_landmarks(variety).points(identity[None], expression[None])[0], _rotated(angles).projection(0))
    low, high = rotated[:, :2].min(axis=0), rotated[:, :2].max(axis=0)
    scale = crop_side_px / (CROP_MARGIN * (high - low).mean())
    x, y = centre_px - scale * (low + high) / 2
    return np.array([*angles, x, image_size - y, 0.0, scale], np.float32)


def _rotated(angles: Array) -> HeadPose:
    pitch, yaw, roll = angles.tolist()
    return HeadPose(pitch, yaw, roll, np.zeros(3), 1.0)


def _is_plausible(identity: NDArray[np.float32], variety: Variety) -> bool:
    """Whether the proportions of a head lie within the ranges of anthropometry, slightly widened."""
    points = _landmarks(variety).points(identity[None], np.zeros((1, len(expression_names(variety)))))[0]
    x, y, z = points.T
    width, height = x[16] - x[0], points[[37, 38, 43, 44], 1].mean() - y[8]
    checks = (
        (1.0, width / height, 1.65),
        (0.3, (x[45] - x[36]) / width, 0.75),
        (0.1, (x[42] - x[39]) / width, 0.36),
        (0.14, (x[35] - x[31]) / width, 0.4),
        (0.25, (x[54] - x[48]) / width, 0.55),
        (0.25, (y[27] - y[33]) / height, 0.6),
        (0.06, (y[33] - y[51]) / height, 0.3),
        (0.1, (y[57] - y[8]) / height, 0.5),
        (6.0, z[30] - z[33], 26.0),
        (4.0, y[19] - y[37], 32.0),
        (5.0, y[37] - y[41], 18.0),
    )
    return all(low <= value <= high for low, value, high in checks)


@cache
def _landmarks(variety: Variety) -> LandmarkModel:
    return LandmarkModel(synthetic_model(variety).face)
