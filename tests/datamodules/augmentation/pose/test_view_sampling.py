from pathlib import Path

import numpy as np
import pytest

from datamodules.augmentation.pose.pose_options import PoseAugmentation
from datamodules.augmentation.pose.view_sampling import rotated_pose, sample_view
from datamodules.errors import InputError
from datamodules.geometry.camera import HeadPose, project
from datamodules.types import FaceRecord
from tests.fakes import fake_face

CENTRE = np.array([1e3, 2e4, -3e4])


@pytest.fixture
def face():
    parameters, pixels = fake_face(20.0, seed=3)
    size = pixels.shape[1::-1]
    identity, expression, numbers, landmarks = parameters
    return FaceRecord("a", Path("a.jpg"), size, identity, expression, HeadPose.from_pose_para(numbers), landmarks)


def test_the_point_that_a_head_is_rotated_about_stays(face):
    there = rotated_pose(face.pose, (0.1, -1.2, 0.3), CENTRE)
    assert (there.pitch_rad, there.yaw_rad, there.roll_rad) == (0.1, -1.2, 0.3)
    before, after = (project(CENTRE[None], pose.projection(110)) for pose in (face.pose, there))
    np.testing.assert_allclose(after, before, atol=1e-9)


def test_a_head_rotated_to_its_own_pose_stays_as_it_is(face):
    pose = face.pose
    again = rotated_pose(pose, (pose.pitch_rad, pose.yaw_rad, pose.roll_rad), CENTRE)
    np.testing.assert_allclose(again.projection(110), pose.projection(110))


def test_views_fill_the_range_of_yaw_and_stay_about_the_faces_own_tilt(face):
    rng = np.random.default_rng(0)
    options = PoseAugmentation(yaw_deg=(-90, 60), tilt_deg=5, light=0.2, crossover_probability=0.5)
    views = [sample_view(face, CENTRE, options, 7, rng) for _ in range(400)]
    yaws = np.rad2deg([view.face.pose.yaw_rad for view in views])
    assert -90 <= yaws.min() < -85
    assert 55 < yaws.max() <= 60
    changes = np.rad2deg([view.face.pose.pitch_rad - face.pose.pitch_rad for view in views])
    assert changes.mean() == pytest.approx(0, abs=1)
    assert changes.std() == pytest.approx(5, rel=0.15)
    assert max(np.linalg.norm(view.light) for view in views) <= 0.2
    partners = [view.partner for view in views if view.partner is not None]
    assert 150 < len(partners) < 250
    assert set(partners) == set(range(7))
    assert all(view.face.landmarks_image_px is None for view in views)  # those on disk belong to the photograph
    for name in ("identity", "expression"):
        own = getattr(face, name)
        changes = np.array([getattr(view.face, name) - own for view in views])
        np.testing.assert_allclose(changes.std(axis=0), 0.1 * np.abs(own), rtol=0.3, atol=1e-6)


def test_one_seed_gives_one_view(face):
    one, two = (sample_view(face, CENTRE, PoseAugmentation(), 3, np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(one.face.pose.projection(9), two.face.pose.projection(9))
    np.testing.assert_array_equal(one.light, two.light)


@pytest.mark.parametrize(
    "wrong",
    [
        {"yaw_deg": (-91, 0)},
        {"yaw_deg": (30, -30)},
        {"tilt_deg": -1},
        {"light": 2},
        {"coefficients": -0.1},
        {"crossover_probability": 1.1},
        {"probability": 1.5},
    ],
)
def test_ranges_that_cannot_be_are_refused(wrong):
    with pytest.raises(InputError, match=rf"pose_augmentation\.{next(iter(wrong))}"):
        PoseAugmentation(**wrong)
