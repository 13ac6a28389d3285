"""Colours lifted off a photograph, and put back."""

import cv2
import numpy as np
import pytest

from datamodules.augmentation.pose.face_surface import TEXTURE, FaceSurface
from datamodules.augmentation.pose.face_texture import lift_texture, pull_push, transfer_detail
from datamodules.augmentation.pose.view_rendering import draw_face
from datamodules.augmentation.pose.view_sampling import rotated_pose
from datamodules.files.bfm import read_morphable_model
from datamodules.files.face_mat import read_face_mat
from datamodules.files.images import read_image
from datamodules.geometry.camera import HeadPose, project
from datamodules.geometry.interpolation import interpolate
from datamodules.geometry.uv_layout import cover_uv, uv_to_texels
from tests.fakes import fake_model

SIZE = 240


@pytest.fixture(scope="module")
def model():
    return fake_model()


@pytest.fixture(scope="module")
def surface(model):
    return FaceSurface.of(model)


def _at(surface, yaw_deg):
    """(G G, 3) pixels of the mean face in an image of SIZE."""
    pose = HeadPose(0.0, np.deg2rad(yaw_deg), 0.0, np.array([SIZE / 2, SIZE / 2, 0]), 1e-3)
    return project(surface.mean.reshape(-1, 3), pose.projection(SIZE))


def _draw(colours, vertices, surface, behind):
    light = np.ones((len(vertices), 3), np.float32)
    return draw_face(colours, vertices, light, surface.grid.seen_triangles(vertices), surface.texels, behind)


def _pattern(symmetric=True):
    """(256, 256, 3) smooth colours."""
    rng = np.random.default_rng(0)
    pattern = cv2.resize(
        rng.uniform(40, 220, (12, 12, 3)).astype(np.float32), (256, 256), interpolation=cv2.INTER_CUBIC
    )
    pattern = np.clip(pattern, 0, 255)
    return (pattern + pattern[:, ::-1]) / 2 if symmetric else pattern


def _photograph(surface, colours, yaw_deg):
    image, _ = _draw(colours, _at(surface, yaw_deg), surface, np.full((SIZE, SIZE, 3), 128.0))
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
    row, col = uv_to_texels(model.uv[model.landmark_vertices[30]], TEXTURE).round().astype(int)
    for yaw_deg, looks in ((0, 1), (180, -1)):
        assert looks * surface.grid.in_uv(surface.grid.normals(_at(surface, yaw_deg)), TEXTURE)[row, col, 2] > 0.8


def test_nobody_sees_the_inside_of_a_face(surface):
    frontal, behind = _at(surface, 0), np.zeros((SIZE, SIZE, 3))
    assert _draw(_pattern(), frontal, surface, behind)[1].mean() > 0.3
    assert _draw(_pattern(), _at(surface, 180), surface, behind)[1].mean() < 0.01
    assert len(surface.grid.seen_triangles(frontal)) > 0.95 * len(surface.grid.triangles)


def test_a_large_photograph_gives_the_texture_of_a_small_one(surface):
    noise = np.random.default_rng(0).normal(0, 30, (6 * SIZE, 6 * SIZE, 3))
    small = _photograph(surface, _pattern(), 0)
    large = np.clip(cv2.resize(small, None, fx=6, fy=6).astype(float) + noise, 0, 255).astype(np.uint8)
    vertices = _at(surface, 0)
    one, six = (
        lift_texture(small, vertices, surface.grid),
        lift_texture(large, 6 * vertices + [2.5, 2.5, 0], surface.grid),
    )
    both = (one.seen == 1) & (six.seen == 1)
    assert both.mean() > 0.3
    assert np.abs(one.colours - six.colours)[both].mean() < 7  # not the 24 of the noise


def test_a_texture_drawn_and_lifted_again_is_the_same_where_it_is_seen(surface):
    colours = _pattern(symmetric=False)
    for yaw_deg in (0, 30):
        lifted = lift_texture(_photograph(surface, colours, yaw_deg), _at(surface, yaw_deg), surface.grid)
        whole = lifted.seen == 1
        assert whole.mean() > 0.3
        assert np.abs(lifted.colours - colours)[whole].mean() < 3


def test_the_hidden_half_is_its_twin(surface):
    colours = _pattern()
    lifted = lift_texture(_photograph(surface, colours, 50), _at(surface, 50), surface.grid)
    hidden = (lifted.seen == 0) & (lifted.seen[:, ::-1] == 1)
    assert hidden.mean() > 0.1
    assert np.abs(lifted.colours - colours)[hidden].mean() < 6
    np.testing.assert_array_less(-1e-3, lifted.colours)
    np.testing.assert_array_less(lifted.colours, 255.001)


def test_a_twin_takes_on_the_light_of_its_side(surface):
    colours = _pattern() * np.linspace(0.7, 1.2, 256)[None, :, None].astype(np.float32)  # lit from one side
    lifted = lift_texture(_photograph(surface, colours, 40), _at(surface, 40), surface.grid)
    hidden = (lifted.seen == 0) & (lifted.seen[:, ::-1] == 1)
    as_it_is = np.abs(colours[:, ::-1] - colours)[hidden].mean()
    assert np.abs(lifted.colours - colours)[hidden].mean() < as_it_is


def test_what_lies_outside_the_image_is_not_seen(surface):
    photograph = _photograph(surface, _pattern(), 0)[: SIZE // 2]
    vertices = _at(surface, 0)
    lifted = lift_texture(photograph, vertices, surface.grid)
    below = surface.grid.in_uv(vertices, TEXTURE)[..., 1] > SIZE // 2
    assert not lifted.seen[below].any()
    assert lifted.seen[~below].any()


def test_texels_are_the_points_of_a_position_map(model, surface):
    triangle_ids, barycentric = cover_uv(model, TEXTURE)
    points = interpolate(model.mean, model.triangles[triangle_ids], barycentric)
    apart = np.linalg.norm(surface.grid.in_uv(surface.mean.reshape(-1, 3), TEXTURE) - points, axis=2)
    assert apart.mean() < 1e-3 * np.ptp(model.mean, axis=0).max()


def test_detail_takes_the_tone_of_another(surface):
    rng = np.random.default_rng(0)
    detail = (120 + 20 * rng.normal(size=(256, 256, 3))).clip(0, 255).astype(np.uint8)
    mixed = transfer_detail(detail, np.full_like(detail, 60))
    assert mixed.mean() == pytest.approx(60, abs=2)
    assert mixed.std() == pytest.approx(detail.std(), rel=0.1)


def _fitted(real):
    """Photograph, pixels and surface in pixels of the ten."""
    model = read_morphable_model(real / "bfm" / "BFM.mat")
    surface = FaceSurface.of(model)
    for path in sorted((real / "aflw2000").glob("*.mat")):
        face, pixels = read_face_mat(path), read_image(path.with_suffix(".jpg"))
        points = surface.points(model.leading_coefficients(face.identity, face.expression))
        yield path.stem, HeadPose.from_pose_para(face.pose), points, pixels, surface


def test_ten_photographs_come_back_at_their_own_pose(real):
    for stem, pose, points, pixels, surface in _fitted(real):
        vertices = project(points, pose.projection(len(pixels)))
        texture = lift_texture(pixels, vertices, surface.grid)
        again, coverage = _draw(texture.colours, vertices, surface, pixels)
        seen, _ = _draw(np.repeat(texture.seen[..., None], 3, 2), vertices, surface, 0.0 * pixels)
        visible = seen[..., 0] > 0.99
        difference = np.abs(again - pixels)[visible].mean()
        print(
            f"{stem}: {difference:.2f} grey levels of 255, over {visible.sum() / (coverage > 0.99).sum():.0%} of the face"
        )
        assert difference <= 6


def test_ten_photographs_come_back_from_40_degrees_away(real):
    differences = []
    for stem, pose, points, pixels, surface in _fitted(real):
        to_front = -np.sign(pose.yaw_rad) or 1.0
        angles = (pose.pitch_rad, pose.yaw_rad + to_front * np.deg2rad(40), pose.roll_rad)
        away = project(points, rotated_pose(pose, angles, points.mean(axis=0)).projection(len(pixels)))
        first = lift_texture(pixels, project(points, pose.projection(len(pixels))), surface.grid)
        image, _ = _draw(first.colours, away, surface, pixels)
        second = lift_texture(np.clip(np.rint(image), 0, 255).astype(np.uint8), away, surface.grid)
        both = (first.seen > 0.99) & (second.seen > 0.99)
        differences.append(np.abs(second.colours - first.colours)[both].mean())
        print(f"{stem}: {differences[-1]:.2f} grey levels of 255, over {both.mean():.0%} of the texels")
    print(f"mean of the ten: {np.mean(differences):.2f}")
    assert np.mean(differences) <= 6
