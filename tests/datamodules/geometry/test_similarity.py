import numpy as np
import pytest

from datamodules.geometry.camera import rotation_matrices
from datamodules.geometry.face_size import box_size
from datamodules.geometry.head_pose import head_angles_deg
from datamodules.geometry.similarity import fit_similarity

POINTS = np.random.default_rng(0).normal(size=(20, 3))


def test_a_similarity_is_found_again():
    rotation = rotation_matrices(np.array([[0.3, -1.1, 0.4]]))[0]
    fitted = fit_similarity(POINTS, 2.5 * POINTS @ rotation.T + [3, -1, 7])
    np.testing.assert_allclose(fitted.rotation, rotation, atol=1e-12)
    assert fitted.scale == pytest.approx(2.5)
    np.testing.assert_allclose(fitted.shift, [3, -1, 7])


def test_a_reflection_is_no_rotation():
    assert np.linalg.det(fit_similarity(POINTS, POINTS * [-1, 1, 1]).rotation) == pytest.approx(1)


def test_a_head_of_another_size_and_place_keeps_its_angles():
    rotation = rotation_matrices(np.deg2rad([[10.0, -35, 5]]))[0]
    rotated = 0.7 * POINTS @ rotation.T + [100, 90, 0]
    np.testing.assert_allclose(head_angles_deg(rotated * [1, -1, 1], POINTS * [1, -1, 1]), [10, -35, 5])


def test_size_is_the_root_of_the_boxs_area():
    faces = np.zeros((2, 68, 3))
    faces[0, 1] = 40, 10, 999
    np.testing.assert_allclose(box_size(faces), [20, 0])
