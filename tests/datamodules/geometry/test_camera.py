import numpy as np
import pytest

from datamodules.geometry.camera import HeadPose, project, projections, rotation_angles, rotation_matrices


def _pose(pitch: float = 0, yaw: float = 0, roll: float = 0) -> HeadPose:
    return HeadPose(*np.deg2rad([pitch, yaw, roll]), np.zeros(3), 1.0)


NOSE = np.array([[0.0, 0, 100]])  # y up, z towards the camera


def test_the_origin_lands_one_pixel_left_of_the_translation_and_counted_from_the_top():
    pose = HeadPose(0, 0, 0, np.array([10.0, 20, 30]), 2.0)
    np.testing.assert_allclose(project(np.zeros((1, 3)), pose.projection(image_height=100)), [[9, 80, 30]])


def test_positive_yaw_turns_the_nose_to_the_left_of_the_image():
    assert project(NOSE, _pose(yaw=30).projection(0))[0, 0] < -1


def test_positive_pitch_looks_up():
    assert project(NOSE, _pose(pitch=30).projection(0))[0, 1] < project(NOSE, _pose().projection(0))[0, 1]


def test_rotation_is_pitch_then_yaw_then_roll_as_written_out():
    pitch, yaw, roll = 0.3, -0.5, 0.2
    cx, cy, cz, sx, sy, sz = *np.cos([pitch, yaw, roll]), *np.sin([pitch, yaw, roll])
    about_x = np.array([[1, 0, 0], [0, cx, sx], [0, -sx, cx]])
    about_y = np.array([[cy, 0, -sy], [0, 1, 0], [sy, 0, cy]])
    about_z = np.array([[cz, sz, 0], [-sz, cz, 0], [0, 0, 1]])
    np.testing.assert_allclose(HeadPose(pitch, yaw, roll, np.zeros(3), 1).rotation(), about_x @ about_y @ about_z)


def test_a_rotation_gives_back_its_angles():
    for angles in np.random.default_rng(0).uniform(-1.5, 1.5, (20, 3)):
        np.testing.assert_allclose(rotation_angles(rotation_matrices(angles[None])[0]), angles, atol=1e-9)


def test_many_projections_are_the_single_ones():
    rng = np.random.default_rng(0)
    pose_para = rng.normal(size=(4, 7))
    heights = np.array([100.0, 200, 300, 400])
    for one, para, height in zip(projections(pose_para, heights), pose_para, heights, strict=True):
        np.testing.assert_allclose(one, HeadPose.from_pose_para(para).projection(height))


@pytest.mark.parametrize("yaw_deg", [-60, 0, 25])
def test_pose_survives_its_numbers_on_disk(yaw_deg):
    para = np.array([0.1, np.deg2rad(yaw_deg), -0.2, 5, 6, 7, 0.001])
    pose = HeadPose.from_pose_para(para)
    np.testing.assert_allclose([pose.pitch_rad, pose.yaw_rad, pose.roll_rad, *pose.translation_px, pose.scale], para)
