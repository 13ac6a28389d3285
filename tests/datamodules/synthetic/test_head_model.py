import numpy as np
import pytest

from datamodules.geometry.landmarks import MIRROR_68
from datamodules.geometry.regions import five_regions, is_drawn
from datamodules.geometry.uv_layout import make_uv_layout
from datamodules.synthetic.expression import EXPRESSIONS
from datamodules.synthetic.head import GRID
from datamodules.synthetic.head_model import synthetic_model
from datamodules.synthetic.identity import IDENTITY_MODES


@pytest.fixture(scope="module")
def model():
    return synthetic_model()


@pytest.fixture(scope="module")
def layout(model):
    return make_uv_layout(model.face)


def _moved(model, name, amount=1.0):
    expression = np.zeros(len(EXPRESSIONS))
    expression[EXPRESSIONS.index(name)] = amount
    return model.face.vertices(np.zeros(40), expression)[model.face.landmark_vertices]


def test_the_mean_head_is_symmetric(model):
    points = model.face.mean.reshape(GRID, GRID, 3)
    np.testing.assert_allclose(points[:, ::-1] * [-1, 1, 1], points, atol=1e-3)


def test_landmarks_mirror_each_other(model):
    row, col = np.divmod(model.face.landmark_vertices, GRID)
    np.testing.assert_array_equal(row[MIRROR_68], row)
    np.testing.assert_array_equal(col[MIRROR_68], GRID - 1 - col)


def test_81_landmarks_lie_on_distinct_texels(layout):
    assert len({tuple(texel) for texel in layout.landmark_texels.tolist()}) == 81


def test_all_five_regions_are_there(layout):
    assert min((layout.regions == region.label).mean() for region in five_regions() if is_drawn(region)) > 0.03


def test_the_mean_head_has_human_proportions(model):
    x, y, z = model.face.mean[model.face.landmark_vertices].T
    assert 80 < x[45] - x[36] < 100  # outer corners of the eyes
    assert 28 < x[42] - x[39] < 40  # inner corners
    assert 45 < x[54] - x[48] < 60  # mouth
    assert 105 < y[27] - y[8] < 130  # nasion to chin
    assert 130 < x[16] - x[0] < 160
    assert z.argmax() == 30  # the tip of the nose is nearest


def test_identity_modes_are_orthonormal_and_fall(model):
    modes = model.face.identity_basis.reshape(-1, IDENTITY_MODES).astype(np.float64)
    np.testing.assert_allclose(modes.T @ modes, np.eye(IDENTITY_MODES), atol=1e-5)
    assert (np.diff(model.identity_deviations) <= 0).all()


def test_a_jaw_that_drops_opens_the_mouth(model):
    closed, opened = model.face.mean[model.face.landmark_vertices], _moved(model, "jaw")
    gap = [points[62, 1] - points[66, 1] for points in (closed, opened)]
    assert gap[0] < 3
    assert gap[1] > 15
    assert abs(opened[30] - closed[30]).max() < 1  # and leaves the nose alone


def test_a_blink_closes_one_eye(model):
    points = _moved(model, "blink_left")
    mean = model.face.mean[model.face.landmark_vertices]
    assert points[37, 1] - points[41, 1] < 0.35 * (mean[37, 1] - mean[41, 1])
    assert points[44, 1] - points[46, 1] == pytest.approx(mean[44, 1] - mean[46, 1], abs=1e-3)


def test_a_smile_widens_the_mouth_and_lifts_its_corners(model):
    points, mean = _moved(model, "smile"), model.face.mean[model.face.landmark_vertices]
    assert points[54, 0] - points[48, 0] > mean[54, 0] - mean[48, 0] + 5
    assert (points[[48, 54], 1] > mean[[48, 54], 1] + 3).all()


def test_every_expression_moves_what_it_is_called_after(model):
    for name in EXPRESSIONS:
        moved = np.abs(model.face.expression_basis[..., EXPRESSIONS.index(name)]).max()
        assert 2 < moved < 45, name
