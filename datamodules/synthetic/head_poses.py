"""Head poses of synthetic faces: yaw, pitch and roll."""

import numpy as np

from datamodules.synthetic.head import Array
from datamodules.synthetic.variety import Variety, option_generator

VIEWS = 6  # views of each person; the yaw range is divided into as many parts
YAW_RANGE_DEG = 90.0
TILT_DEG = (12.0, 10.0)  # standard deviations of pitch and roll, as in most photographs of people
_MOST_TILTED = 3.0  # standard deviations of pitch and roll

# Two thirds of the faces of AFLW2000-3D are within 30 degrees of frontal, and a seventh beyond 60. Here half of the
# poses are even over a range that goes beyond profiles, so that there are enough of each to learn from.
_WIDE_YAW_DEG = 105.0
_FRONTAL_YAW_DEG = 22.0  # standard deviation of the other half
_LEANING_SHARE, _LEANING_TIMES = 0.3, 2.2  # of wide poses, and how many times more they are tilted
_MOST_TILT_DEG = np.array([50.0, 80.0])  # pitch, roll
_YAWS_DEG = np.linspace(-_WIDE_YAW_DEG, _WIDE_YAW_DEG, 421)


def draw_yaw_deg(part: int, rng: np.random.Generator, variety: Variety) -> float:
    """Draws a yaw in one of the `VIEWS` parts of its range, from the right to the left of the image.

    Args:
        part: Number of the part. The parts have equal lengths, and with wide poses equal shares of all faces.
        rng: The generator of the view.
        variety: Options of the faces.
    """
    place = part + rng.random()
    if _wide_draw(rng, variety) is None:
        return float(YAW_RANGE_DEG * (2 * place / VIEWS - 1))
    density = 1 / (2 * _WIDE_YAW_DEG) + np.exp(-((_YAWS_DEG / _FRONTAL_YAW_DEG) ** 2) / 2) / (
        _FRONTAL_YAW_DEG * np.sqrt(2 * np.pi)
    )
    shares = np.cumsum(density)
    return float(np.interp(place / VIEWS, (shares - shares[0]) / (shares[-1] - shares[0]), _YAWS_DEG))


def draw_tilt_deg(tilt_deg: tuple[float, float], rng: np.random.Generator, variety: Variety) -> Array:
    """(2,) pitch and roll: normal, with the standard deviations `tilt_deg`, and longer tails with wide poses."""
    tilt = np.asarray(tilt_deg * rng.normal(size=2).clip(-_MOST_TILTED, _MOST_TILTED))
    draw = _wide_draw(rng, variety)
    if draw is None:
        return tilt
    return np.asarray(
        np.clip(np.where(draw < _LEANING_SHARE, _LEANING_TIMES, 1.0) * tilt, -_MOST_TILT_DEG, _MOST_TILT_DEG)
    )


def _wide_draw(rng: np.random.Generator, variety: Variety) -> Array | None:
    """(2,) even draws for pitch and roll of a wide pose; None for another pose."""
    if not variety.wide_poses:
        return None
    own = option_generator(rng, "wide_poses")
    return own.random(2) if own.random() < variety.wide_poses else None
