import numpy as np

from datamodules.geometry.landmarks import FOREHEAD_ARC, MIRROR_68
from tests.fakes import landmark_uv


def test_mirroring_twice_changes_nothing():
    np.testing.assert_array_equal(MIRROR_68[MIRROR_68], np.arange(68))


def test_a_mirrored_symmetric_face_has_the_same_landmarks():
    uv = landmark_uv()
    np.testing.assert_allclose([1, 0] + uv[MIRROR_68] * [-1, 1], uv, atol=1e-12)


def test_the_forehead_has_the_landmarks_after_the_68():
    assert sorted(FOREHEAD_ARC) == list(range(68, 81))
