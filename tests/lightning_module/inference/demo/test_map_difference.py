"""The difference of two networks' faces, as numbers and as pictures."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from datamodules.geometry.crop import crop_matrix, crop_points, image_matrix
from lightning_module.evaluation.nme import dense_nme_3d
from lightning_module.inference.demo.difference_pictures import ColourScale, as_texture, in_uv_space, on_face
from lightning_module.inference.demo.map_difference import MapDifference, are_comparable
from lightning_module.inference.face import Face, MapLayout
from lightning_module.inference.overlays import OVERLAY_SIZE
from tests.lightning_module.inference.truth import detection, map_layout


@pytest.fixture(scope="module")
def face(made_once):
    (_, data, maps, crops), *_ = made_once
    image = np.full((110, 120, 3), 90, np.uint8)
    return Face.of_map(maps[1], crops[1], map_layout(data), image, detection(crops[1]))


def _moved(face, shift):
    return replace(face, map_px=face.map_px + shift)


def test_a_face_does_not_differ_from_itself_nor_from_a_nearer_one(face):
    for other in (face, _moved(face, [0, 0, 7.0])):
        np.testing.assert_allclose(MapDifference.of(face, other).of_face, 0, atol=1e-9)


def test_a_shift_in_the_picture_is_its_length_in_percent_of_the_faces_size(face):
    difference = MapDifference.of(face, _moved(face, [3.0, 4.0, 0]))
    box = np.ptp(face.landmarks[:, :2], axis=0)
    np.testing.assert_allclose(difference.of_face, 500 / np.sqrt(box.prod()))
    np.testing.assert_allclose(difference.landmarks_percent, 500 / np.sqrt(box.prod()))
    assert np.isnan(difference.percent[~face.layout.grid.is_valid]).all()


def test_the_mean_is_that_of_the_dense_protocol(face):
    other = _moved(face, np.random.default_rng(0).normal(size=face.map_px.shape))
    side = len(face.layout.grid.is_valid)
    maps = [
        torch.from_numpy(one.map_px.reshape(1, side, side, 3).transpose(0, 3, 1, 2).copy()) for one in (other, face)
    ]
    mask = torch.from_numpy(face.layout.grid.is_valid)
    expected = dense_nme_3d(*maps, mask, torch.from_numpy(face.landmarks[None]))
    assert MapDifference.of(face, other).of_face.mean() == pytest.approx(float(expected), rel=1e-6)


def test_maps_of_other_regions_or_landmarks_are_not_comparable(face):
    layout = face.layout
    fewer = layout.grid.is_valid.copy()
    fewer[np.nonzero(fewer)[0][0]] = False
    assert are_comparable(layout, replace(layout))
    assert not are_comparable(layout, MapLayout.of(layout.mean_map, fewer, layout.landmark_texels))
    assert not are_comparable(layout, replace(layout, landmark_texels=layout.landmark_texels + 1))


@pytest.mark.parametrize(("largest", "end"), [(0.0, 0.2), (0.9, 1.0), (6.0, 10.0), (400.0, 100.0)])
def test_the_scale_ends_at_the_next_round_number(face, largest, end):
    size = np.sqrt(np.ptp(face.landmarks[:, :2], axis=0).prod())
    assert ColourScale.of(MapDifference.of(face, _moved(face, [largest * size / 100, 0, 0]))).end == end


def test_the_colours_are_where_the_difference_is(face):
    apart = np.zeros_like(face.map_px)
    nose = face.layout.landmark_texels[30]
    side = len(face.layout.grid.is_valid)
    near = np.hypot(*(np.indices((side, side)) - nose[:, None, None])) < 12
    apart[near.ravel(), 0] = 2.0
    difference = MapDifference.of(face, _moved(face, apart))
    scale = ColourScale.of(difference)
    dark, bright = (scale.colours(np.array([value])).sum() for value in (0.0, scale.end))
    assert bright > 500 > 50 > dark
    uv = as_texture(difference, scale).astype(int).sum(axis=2)
    step = OVERLAY_SIZE / side
    assert uv[round(nose[0] * step), round(nose[1] * step)] > 500
    matrix = image_matrix(crop_matrix(face.crop), OVERLAY_SIZE)
    tip, chin = np.rint(crop_points(face.landmarks[[30, 57]], matrix)[:, :2]).astype(int)
    drawn = on_face(face, difference, scale).astype(int).sum(axis=2)
    assert drawn[tip[1], tip[0]] > 500
    assert drawn[chin[1], chin[0]] < 100
    grey = in_uv_space(face, difference, scale)[~_enlarged(face.layout.grid.is_valid)]
    assert (grey == 128).all(axis=1).mean() > 0.95  # but for dots of landmarks on the border


def _enlarged(is_face):
    return np.kron(is_face, np.ones((OVERLAY_SIZE // len(is_face),) * 2)).astype(bool)
