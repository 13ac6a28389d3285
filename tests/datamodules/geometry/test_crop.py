import numpy as np
import pytest

from datamodules.geometry.crop import (
    CropJitter,
    crop_boxes,
    crop_matrix,
    crop_points,
    crop_projection,
    image_matrix,
    uncrop_points,
)

BOX = np.array([100.0, 80.0, 60.0])  # centre, side


def _moved(point, matrix):
    return matrix[:, :2] @ point + matrix[:, 2]


def test_side_is_one_and_a_half_times_the_mean_of_width_and_height():
    landmarks = np.zeros((1, 68, 2))
    landmarks[0, 0] = [40, 20]
    np.testing.assert_allclose(crop_boxes(landmarks), [[20, 10, 45]])


def test_landmarks_on_a_line_have_no_box():
    landmarks = np.zeros((1, 68, 2))
    landmarks[0, :, 0] = np.arange(68)
    assert crop_boxes(landmarks)[0, 2] == 0


def test_the_corners_of_the_square_are_0_and_255():
    matrix = crop_matrix(BOX)
    np.testing.assert_allclose(_moved([70, 50], matrix), [0, 0], atol=1e-9)
    np.testing.assert_allclose(_moved([130, 110], matrix), [255, 255])


def test_corners_stay_corners_at_another_resolution():
    np.testing.assert_allclose(_moved([130, 110], image_matrix(crop_matrix(BOX), 64)), [63, 63])


def test_mirroring_reflects_the_crop():
    plain, mirrored = crop_matrix(BOX), crop_matrix(BOX, CropJitter(is_mirrored=True))
    x, y = _moved([75, 60], plain)
    np.testing.assert_allclose(_moved([75, 60], mirrored), [255 - x, y])


def test_rotation_turns_about_the_centre_and_shift_moves_it():
    matrix = crop_matrix(BOX, CropJitter(rotation_rad=0.7, scale=1.3, shift=(0.1, -0.2)))
    np.testing.assert_allclose(_moved(BOX[:2], matrix), [127.5 + 25.5, 127.5 - 51])


@pytest.mark.parametrize("is_mirrored", [False, True])
def test_points_and_projections_move_alike(is_mirrored):
    rng = np.random.default_rng(1)
    matrix = crop_matrix(BOX, CropJitter(0.3, 1.1, (0.05, 0.02), is_mirrored))
    projection, point = rng.normal(size=(3, 4)), np.append(rng.normal(size=3), 1)
    np.testing.assert_allclose(
        crop_points((projection @ point)[None], matrix)[0], crop_projection(projection, matrix) @ point
    )


@pytest.mark.parametrize("is_mirrored", [False, True])
def test_uncropping_undoes_cropping(is_mirrored):
    points = np.random.default_rng(2).normal(size=(5, 3)) * 50
    matrix = crop_matrix(BOX, CropJitter(0.3, 1.1, (0.05, 0.02), is_mirrored))
    np.testing.assert_allclose(uncrop_points(crop_points(points, matrix), matrix), points)
