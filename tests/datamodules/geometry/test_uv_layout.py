from dataclasses import replace

import numpy as np
import pytest

from datamodules.geometry.landmarks import BROWS, EYES, JAW, MOUTH, NOSE
from datamodules.geometry.uv_layout import MAP_SIZE, cover_uv, draw_landmarks, make_uv_layout, uv_to_texels
from tests.fakes import fake_model


@pytest.fixture(scope="module")
def model():
    return fake_model()


@pytest.fixture(scope="module")
def layout(model):
    return make_uv_layout(model)


def test_u_runs_right_and_v_runs_up():
    np.testing.assert_allclose(uv_to_texels(np.array([[0.0, 1], [1, 0]]), 256), [[0, 0], [255, 255]])


def test_every_texel_is_a_point_inside_its_triangle(model, layout):
    triangle_ids, barycentric = cover_uv(model, MAP_SIZE)
    texels = uv_to_texels(model.uv, MAP_SIZE)[model.triangles[triangle_ids]]
    rebuilt = np.einsum("rck,rckd->rcd", barycentric, texels)
    np.testing.assert_allclose(rebuilt, np.moveaxis(np.mgrid[:256, :256], 0, -1), atol=1e-3)


def test_the_81_landmarks_lie_on_distinct_texels(layout):
    assert len(np.unique(layout.landmark_texels, axis=0)) == 81


def test_the_forehead_arc_runs_from_temple_to_temple_above_the_brows(layout):
    arc = layout.landmark_texels[[77, 75, 76, 68, 69, 70, 71, 80, 72, 73, 79, 74, 78]]
    assert (np.diff(arc[:, 1]) > 0).all()
    assert arc[1:-1, 0].max() < layout.landmark_texels[BROWS, 0].min()
    assert arc[6, 0] == arc[:, 0].min()


def test_landmarks_lie_in_their_own_areas(layout):
    region = {
        name: set(layout.regions[tuple(layout.landmark_texels[part].T)].tolist())
        for name, part in (("eyes", EYES), ("brows", BROWS), ("nose", NOSE), ("mouth", MOUTH), ("jaw", JAW))
    }
    assert region["eyes"] == region["brows"] == region["nose"] == {2}
    assert 3 in region["mouth"] <= {3, 2}
    assert region["jaw"] == {4}


def test_the_neck_lies_below_the_chin(layout):
    row, col = layout.landmark_texels[8]
    assert (layout.regions[row + 30 :, col] == 5).all()
    assert (layout.regions[: row + 1, col] != 5).all()


def test_areas_of_a_symmetric_face_are_symmetric(layout):
    assert (layout.regions == layout.regions[:, ::-1]).mean() > 0.99


def test_radius_0_draws_single_texels_and_a_radius_discs(layout):
    drawn = [draw_landmarks(layout.regions, layout.landmark_texels, radius, 1) for radius in (0, 2)]
    assert (drawn[0] == 1).sum() == 81
    row, col = layout.landmark_texels[30]
    assert (drawn[1][row - 2 : row + 3, col] == 1).all()
    assert 1 not in np.unique(layout.regions)


def test_the_mean_map_is_the_frontal_mean_face_in_its_own_crop(layout):
    landmarks = layout.mean_map[tuple(layout.landmark_texels[:68].T)]
    low, high = landmarks[:, :2].min(axis=0), landmarks[:, :2].max(axis=0)
    np.testing.assert_allclose((low + high) / 2, 127.5, atol=1)
    np.testing.assert_allclose((high - low).mean(), 255 / 1.5, atol=1)
    assert layout.mean_map[..., 2].min() == 0


def test_texels_without_a_triangle_are_refused(model):
    with pytest.raises(ValueError, match="belong to no triangle"):
        make_uv_layout(replace(model, triangles=model.triangles[:100]))


def test_a_fingerprint_tells_layouts_apart(model, layout):
    assert layout.fingerprint() == make_uv_layout(model).fingerprint()
    assert layout.fingerprint() != make_uv_layout(replace(model, mean=model.mean * [1, 1.01, 1])).fingerprint()
