import numpy as np
import pytest
import torch

from datamodules.geometry.camera import HeadPose, project
from datamodules.geometry.crop import CropJitter, crop_matrix, crop_projection
from datamodules.geometry.uv_layout import cover_uv, make_uv_layout
from datamodules.position_map import PositionMapper
from tests.fakes import fake_model
from tests.map_reading import read_texels, read_uv


@pytest.fixture(scope="module")
def model():
    return fake_model()


@pytest.fixture(scope="module")
def layout(model):
    return make_uv_layout(model)


@pytest.fixture(scope="module")
def mapper(model, layout):
    return PositionMapper(model)


def _sample(seed, is_mirrored=False):
    rng = np.random.default_rng(seed)
    coefficients = rng.normal(size=5).astype(np.float32), rng.normal(size=3).astype(np.float32)
    pose = HeadPose(*rng.uniform(-0.5, 0.5, 3), np.array([60.0, 55, -60]), 3.5e-4)
    jitter = CropJitter(0.4, 1.1, (0.1, -0.05), is_mirrored)
    return coefficients, crop_projection(pose.projection(110), crop_matrix(np.array([60.0, 55, 90]), jitter))


def _maps(mapper, model, *samples, is_mirrored=False):
    coefficients = torch.from_numpy(np.stack([model.leading_coefficients(*c) for c, _ in samples]))
    projections = torch.from_numpy(np.stack([p for _, p in samples]).astype(np.float32))
    return mapper(coefficients, projections, torch.full((len(samples),), is_mirrored))


def test_position_map_returns_the_vertices_it_was_made_from(mapper, model):
    coefficients, projection = _sample(0)
    vertices = project(model.vertices(*coefficients), projection)
    read = read_uv(_maps(mapper, model, (coefficients, projection)), torch.from_numpy(model.uv))[0].numpy()
    read[:, 2] += vertices[:, 2].mean() - read[:, 2].mean()
    # at 256 texels a vertex lies up to half a texel beside one
    assert np.abs(read - vertices).mean() < 0.05


def test_a_batched_map_equals_a_reference_in_double_precision_for_each_sample(mapper, model, layout):
    samples = [_sample(seed) for seed in range(4)]
    triangle_ids, barycentric = cover_uv(model, len(layout.regions))
    corners = model.triangles[triangle_ids]
    for position_map, (coefficients, projection) in zip(_maps(mapper, model, *samples), samples, strict=True):
        vertices = project(model.vertices(*coefficients), projection)
        expected = np.einsum("rck,rckd->rcd", barycentric.astype(np.float64), vertices[corners])
        expected[..., 2] -= expected[..., 2].min()
        np.testing.assert_allclose(position_map.numpy().transpose(1, 2, 0), expected, atol=1e-2)


def test_the_smallest_z_of_every_map_is_0_and_nothing_is_clipped(mapper, model):
    coefficients, projection = _sample(1)
    far_right = projection.copy()
    far_right[0, 3] += 200
    maps = _maps(mapper, model, (coefficients, projection), (coefficients, far_right))
    assert maps[:, 2].amin(dim=(1, 2)).tolist() == [0, 0]
    assert maps[1, 0].max() > 256
    torch.testing.assert_close(maps[1, 0], maps[0, 0] + 200)


def test_a_mirrored_map_is_the_reflection_of_the_flipped_one(mapper, model):
    plain = _maps(mapper, model, _sample(2))
    mirrored = _maps(mapper, model, _sample(2, is_mirrored=True), is_mirrored=True)
    reflected = plain.flip(-1).clone()
    reflected[:, 0] = 255 - reflected[:, 0]
    torch.testing.assert_close(mirrored, reflected, atol=1e-3, rtol=0)


def test_landmark_texels_are_read_row_first():
    maps = torch.arange(2 * 3 * 4 * 4, dtype=torch.float32).view(2, 3, 4, 4)
    assert read_texels(maps, torch.tensor([[1, 2]]))[1, 0].tolist() == maps[1, :, 1, 2].tolist()


def test_buffers_stay_out_of_checkpoints(mapper):
    assert not mapper.state_dict()


def test_half_precision_around_it_changes_nothing(mapper, model):
    plain = _maps(mapper, model, _sample(3))
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(_maps(mapper, model, _sample(3)), plain, atol=0, rtol=0)
