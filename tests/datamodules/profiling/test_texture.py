"""Colours lifted off a photograph, and put back."""

import cv2
import numpy as np
import pytest

from datamodules.files.bfm import read_morphable_model
from datamodules.files.face_mat import read_face_mat
from datamodules.files.images import read_image
from datamodules.geometry.camera import HeadPose, project
from datamodules.profiling.surface import FaceSurface
from datamodules.profiling.texture import lift_texture, pull_push
from datamodules.profiling.view import draw_face
from tests.fakes import fake_model

SIZE = 240


@pytest.fixture(scope="module")
def model():
    return fake_model()


@pytest.fixture(scope="module")
def surface(model):
    return FaceSurface.of(model)


def _at(model, yaw_deg):
    """(V, 3) pixels of the mean face in an image of SIZE."""
    pose = HeadPose(0.0, np.deg2rad(yaw_deg), 0.0, np.array([SIZE / 2, SIZE / 2, 0]), 1e-3)
    return project(model.mean, pose.projection(SIZE))


def _pattern(symmetric=True):
    """(256, 256, 3) smooth colours."""
    rng = np.random.default_rng(0)
    pattern = cv2.resize(
        rng.uniform(40, 220, (12, 12, 3)).astype(np.float32), (256, 256), interpolation=cv2.INTER_CUBIC
    )
    pattern = np.clip(pattern, 0, 255)
    return (pattern + pattern[:, ::-1]) / 2 if symmetric else pattern


def _photograph(model, surface, colours, yaw_deg):
    image, _ = draw_face(colours, _at(model, yaw_deg), surface, np.full((SIZE, SIZE, 3), 128.0))
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def test_what_is_known_stays_and_the_rest_lies_between():
    values, weights = np.zeros((64, 64, 2), np.float32), np.zeros((64, 64), np.float32)
    values[:, :8], values[:, -8:] = 10, 30
    weights[:, :8] = weights[:, -8:] = 1
    filled = pull_push(values, weights)
    np.testing.assert_allclose(filled[:, :8], 10, atol=1e-4)
    assert (filled[:, 8:-8] > 10).all()
    assert (filled[:, 8:-8] < 30).all()
    assert filled[32, 32, 0] == pytest.approx(20, abs=3)
    np.testing.assert_allclose(pull_push(np.full_like(values, 7), weights), 7, atol=1e-4)
    assert not pull_push(values, 0 * weights).any()


def test_a_face_that_looks_at_the_camera_faces_it(model, surface):
    nose = model.landmark_vertices[30]
    assert surface.facing(_at(model, 0))[nose] > 0.8
    assert surface.facing(_at(model, 180))[nose] < -0.8


def test_a_texture_drawn_and_lifted_again_is_the_same_where_it_is_seen(model, surface):
    colours = _pattern(symmetric=False)
    for yaw_deg in (0, 30):
        lifted = lift_texture(_photograph(model, surface, colours, yaw_deg), _at(model, yaw_deg), surface)
        whole = lifted.seen == 1
        assert whole.mean() > 0.4
        assert np.abs(lifted.colours - colours)[whole].mean() < 3


def test_the_hidden_half_is_its_twin(model, surface):
    colours = _pattern()
    lifted = lift_texture(_photograph(model, surface, colours, 50), _at(model, 50), surface)
    hidden = (lifted.seen == 0) & (lifted.seen[:, ::-1] == 1)
    assert hidden.mean() > 0.1
    assert np.abs(lifted.colours - colours)[hidden].mean() < 6
    np.testing.assert_array_less(-1e-3, lifted.colours)
    np.testing.assert_array_less(lifted.colours, 255.001)


def test_a_twin_takes_on_the_light_of_its_side(model, surface):
    colours = _pattern() * np.linspace(0.7, 1.2, 256)[None, :, None].astype(np.float32)  # lit from one side
    lifted = lift_texture(_photograph(model, surface, colours, 40), _at(model, 40), surface)
    hidden = (lifted.seen == 0) & (lifted.seen[:, ::-1] == 1)
    as_it_is = np.abs(colours[:, ::-1] - colours)[hidden].mean()
    assert np.abs(lifted.colours - colours)[hidden].mean() < as_it_is


def test_what_lies_outside_the_image_is_not_seen(model, surface):
    photograph = _photograph(model, surface, _pattern(), 0)[: SIZE // 2]
    vertices = _at(model, 0)
    lifted = lift_texture(photograph, vertices, surface)
    below = surface.in_uv(vertices)[..., 1] > SIZE // 2
    assert not lifted.seen[below].any()
    assert lifted.seen[~below].any()


def test_ten_photographs_come_back_at_their_own_pose(real):
    model = read_morphable_model(real / "bfm" / "BFM.mat")
    surface = FaceSurface.of(model)
    for path in sorted((real / "aflw2000").glob("*.mat")):
        face, pixels = read_face_mat(path), read_image(path.with_suffix(".jpg"))
        projection = HeadPose.from_pose_para(face.pose).projection(len(pixels))
        vertices = project(model.vertices(face.coefficients), projection)
        texture = lift_texture(pixels, vertices, surface)
        again, _ = draw_face(texture.colours, vertices, surface, pixels)
        seen, _ = draw_face(np.repeat(texture.seen[..., None], 3, 2), vertices, surface, 0.0 * pixels)
        difference = np.abs(again - pixels)[seen[..., 0] > 0.99].mean()
        print(f"{path.stem}: {difference:.2f} grey levels of 255")
        assert difference <= 6
