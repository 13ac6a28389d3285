from itertools import pairwise

import numpy as np
import pytest

from datamodules.synthetic.head_poses import TILT_DEG, VIEWS, draw_tilt_deg, draw_yaw_deg
from datamodules.synthetic.variety import NO_VARIETY, Variety

WIDE = Variety(wide_poses=1)
FACES = 3000


@pytest.fixture(scope="module")
def poses():
    """(N, 3) yaw, pitch and roll of wide poses."""
    drawn = []
    for number in range(FACES):
        rng = np.random.default_rng([7, number])
        drawn.append([draw_yaw_deg(number % VIEWS, rng, WIDE), *draw_tilt_deg(TILT_DEG, rng, WIDE)])
    return np.array(drawn)


def test_most_wide_poses_are_near_frontal_and_some_beyond_a_profile(poses):
    """AFLW2000-3D has 66, 19 and 15 % within 30 degrees, 60, and beyond; here are more of the last ones to learn from."""
    yaw = np.abs(poses[:, 0])
    assert (yaw <= 30).mean() == pytest.approx(0.56, abs=0.03)
    assert ((yaw > 30) & (yaw <= 60)).mean() == pytest.approx(0.225, abs=0.03)
    assert 0.03 < (yaw > 90).mean() < 0.1
    assert yaw.max() <= 105
    assert abs(poses[:, 0].mean()) < 1.5


def test_pitch_and_roll_have_long_tails(poses):
    tilt = np.abs(poses[:, 1:])
    assert (np.median(tilt, axis=0) < np.array(TILT_DEG)).all()
    assert (np.quantile(tilt, 0.97, axis=0) > 3 * np.array(TILT_DEG)).all()
    assert (tilt.max(axis=0) <= [50, 80]).all()


def test_parts_of_the_yaw_range_have_equal_shares_of_the_faces(poses):
    parts = [poses[part::VIEWS, 0] for part in range(VIEWS)]
    for lower, upper in pairwise(parts):
        assert lower.max() <= upper.min() + 1e-9


def test_without_the_option_yaw_is_even_and_tilt_normal():
    rngs = [np.random.default_rng([7, number]) for number in range(600)]
    yaws = np.array([draw_yaw_deg(number % VIEWS, rng, NO_VARIETY) for number, rng in enumerate(rngs)])
    np.testing.assert_array_equal(np.bincount(((yaws + 90) // 30).astype(int)), np.full(VIEWS, 100))
    tilts = np.array([draw_tilt_deg(TILT_DEG, rng, NO_VARIETY) for rng in rngs])
    np.testing.assert_allclose(tilts.std(axis=0), TILT_DEG, rtol=0.1)


def test_a_share_of_the_poses_is_wide():
    half = Variety(wide_poses=0.5)
    same = [
        draw_yaw_deg(0, np.random.default_rng(number), half)
        == draw_yaw_deg(0, np.random.default_rng(number), NO_VARIETY)
        for number in range(300)
    ]
    assert 0.4 < np.mean(same) < 0.6
