"""What each alignment forgives, and what it does not."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from lightning_module.evaluation.alignment import align
from lightning_module.evaluation.protocols import (
    LANDMARKS_2D,
    LANDMARKS_3D,
    LANDMARKS_RIGID,
    LANDMARKS_SIMILARITY,
)

_RNG = np.random.default_rng(0)
TARGET = torch.from_numpy(_RNG.normal(size=(2, 68, 3)) * [40, 50, 30])
PREDICTED = TARGET + torch.from_numpy(_RNG.normal(size=(2, 68, 3)))
angles = st.tuples(*[st.floats(-180, 180)] * 3)
shifts = st.tuples(*[st.floats(-200, 200)] * 3)


def _moved(points, angles_deg, shift, scale=1.0):
    rotation = torch.from_numpy(Rotation.from_euler("xyz", angles_deg, degrees=True).as_matrix())
    return scale * points @ rotation.T + torch.tensor(shift, dtype=torch.float64)


@settings(deadline=None)
@given(angles, shifts, st.floats(0.1, 10))
def test_a_similarity_of_the_prediction_does_not_change_the_similarity_aligned_error(angles, shift, scale):
    moved = _moved(PREDICTED, angles, shift, scale)
    torch.testing.assert_close(
        LANDMARKS_SIMILARITY.error(moved, TARGET), LANDMARKS_SIMILARITY.error(PREDICTED, TARGET), rtol=1e-8, atol=1e-8
    )


@settings(deadline=None)
@given(angles, shifts)
def test_a_rigid_motion_does_not_change_the_rigidly_aligned_error(angles, shift):
    torch.testing.assert_close(
        LANDMARKS_RIGID.error(_moved(PREDICTED, angles, shift), TARGET),
        LANDMARKS_RIGID.error(PREDICTED, TARGET),
        rtol=1e-8,
        atol=1e-8,
    )


@settings(deadline=None)
@given(st.floats(1, 200), st.floats(1.05, 3))
def test_without_alignment_every_motion_counts(depth, scale):
    shifted = PREDICTED + torch.tensor([0.0, 0.0, depth])
    torch.testing.assert_close(LANDMARKS_3D.error(shifted, TARGET), LANDMARKS_3D.error(PREDICTED, TARGET))
    for protocol in (LANDMARKS_2D, LANDMARKS_3D):
        before = protocol.error(TARGET, TARGET)
        assert (protocol.error(TARGET + torch.tensor([depth, 0.0, 0.0]), TARGET) > before).all()
        assert (protocol.error(_moved(TARGET, (0, 20, 0), (0, 0, 0)), TARGET) > before + 1).all()
        assert (protocol.error(TARGET * scale, TARGET) > before + 0.1).all()
    assert (LANDMARKS_RIGID.error(TARGET * scale, TARGET) > 0.1).all()


def test_a_mirror_image_is_not_turned_into_the_face():
    mirrored = TARGET * torch.tensor([-1.0, 1.0, 1.0])
    assert (LANDMARKS_SIMILARITY.error(mirrored, TARGET) > 5).all()


def test_points_that_coincide_are_wrong_and_not_missing():
    lost = PREDICTED.clone()
    lost[0] = 0
    errors = LANDMARKS_SIMILARITY.error(lost, TARGET)
    assert errors[0] > 20
    assert errors[1] == pytest.approx(float(LANDMARKS_SIMILARITY.error(PREDICTED, TARGET)[1]))


def test_the_rotation_is_the_one_that_scipy_finds():
    for points, target, moved in zip(PREDICTED, TARGET, align(PREDICTED, TARGET, has_scale=False), strict=True):
        centred, goal = (points - points.mean(0)).numpy(), (target - target.mean(0)).numpy()
        rotation, _ = Rotation.align_vectors(goal, centred)
        np.testing.assert_allclose(moved.numpy(), rotation.apply(centred) + target.mean(0).numpy(), atol=1e-9)
