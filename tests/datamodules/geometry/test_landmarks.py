import numpy as np
import pytest

from datamodules.geometry.landmarks import FOREHEAD_ARC, MIRROR_68, MIRROR_81
from tests.fakes import landmark_uv


@pytest.mark.parametrize("order", [MIRROR_68, MIRROR_81])
def test_mirroring_twice_changes_nothing(order):
    np.testing.assert_array_equal(order[order], np.arange(len(order)))


def test_a_mirrored_symmetric_face_has_the_same_landmarks():
    uv = landmark_uv()
    np.testing.assert_allclose([1, 0] + uv[MIRROR_68] * [-1, 1], uv, atol=1e-12)


def test_the_forehead_mirrors_end_to_end():
    np.testing.assert_array_equal(MIRROR_81[FOREHEAD_ARC], FOREHEAD_ARC[::-1])
    assert sorted(FOREHEAD_ARC) == list(range(68, 81))
