from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from datamodules.augmentation.augmentation_options import Augmentation
from datamodules.augmentation.pose.pose_augmenter import PoseAugmenter
from datamodules.augmentation.pose.pose_options import PoseAugmentation
from datamodules.augmentation.pose.view_rendering import draw_face
from datamodules.crop_table import make_crops
from datamodules.dataset import FaceDataset
from datamodules.files.bfm import read_morphable_model
from datamodules.files.images import read_image
from datamodules.fitted_faces import FittedPlacement
from datamodules.geometry.camera import project
from datamodules.sample_maker import SampleMaker
from tests.face_data import NO_AUGMENTATION, face_index
from tests.fakes import write_faces

ALWAYS = PoseAugmentation(probability=1)
STILL = PoseAugmentation(probability=1, tilt_deg=0, coefficients=0, light=0)


@pytest.fixture
def frontal(tmp_path):
    return write_faces(tmp_path / "data", [0.0, 8, -10, 5])


def _augmenter(root, model_file, cache, options=ALWAYS):
    index = face_index(root, cache)
    return PoseAugmenter.of(index, np.arange(len(index)), read_morphable_model(model_file), options)


def _faces(augmenter, augmentation=NO_AUGMENTATION, image_size=64, is_plain=False):
    placement = FittedPlacement(augmenter.model, None if is_plain else augmenter)
    crops = make_crops(augmenter.index, augmenter.model)
    return FaceDataset(augmenter.index, crops.rows, crops.boxes, placement, SampleMaker(image_size, augmentation))


def _images(faces, workers=0):
    places = [(epoch, position) for epoch in range(2) for position in range(len(faces))]
    return torch.cat([batch.image for batch in DataLoader(faces, 2, sampler=places, num_workers=workers)])


@pytest.mark.parametrize("mirror", [0.0, 1.0])
def test_what_is_drawn_lies_where_the_sample_says(mirror, frontal, model_file, tmp_path, monkeypatch):
    augmenter = _augmenter(frontal, model_file, tmp_path, STILL)
    # a texture of smooth stripes, so that a pixel off would show
    rows, cols = np.mgrid[:256, :256]
    stripes = np.stack([127 + 100 * np.sin(rows / 9), 127 + 100 * np.sin(cols / 9), 0 * rows + 60], axis=2)
    stripes = stripes.astype(np.uint8)
    monkeypatch.setattr(PoseAugmenter, "_texture", lambda *_: stripes)
    augmentation = Augmentation(30, (0.9, 1.1), 0.05, mirror, (1, 1), 0)
    sample = _faces(augmenter, augmentation, image_size=256)[0, 1]
    assert sample.is_mirrored.item() == bool(mirror)
    surface = augmenter.surface
    vertices = project(surface.points(sample.surface.numpy()), sample.projection.numpy().astype(np.float64))
    light = np.ones((len(vertices), 3), np.float32)
    unmirrored = vertices * [-1, 1, 1] if mirror else vertices
    triangles = surface.grid.seen_triangles(unmirrored)
    expected, coverage = draw_face(stripes, vertices, light, triangles, surface.texels, np.zeros((256, 256, 3)))
    inner = coverage == 1
    assert inner.mean() > 0.1
    apart = np.abs(sample.image.numpy() - expected)[inner].mean()
    moved = np.abs(sample.image.numpy() - np.roll(expected, 1, axis=1))[inner].mean()
    assert apart < 0.6
    assert moved > 5 * apart


def test_a_sample_at_another_pose_has_the_yaw_it_shows_and_the_models_landmarks(frontal, model_file, tmp_path):
    augmenter = _augmenter(frontal, model_file, tmp_path)
    faces = _faces(augmenter)
    yaws = [faces[epoch, 0].yaw_deg.item() for epoch in range(30)]
    assert min(yaws) < -60
    assert max(yaws) > 60
    sample = faces[3, 0]
    model = augmenter.model
    vertices = project(model.mean + model.basis @ sample.surface.numpy(), sample.projection.numpy())
    np.testing.assert_allclose(sample.landmarks_crop_px, vertices[model.landmark_vertices], atol=0.05)
    low, high = sample.landmarks_crop_px[:, :2].amin(dim=0), sample.landmarks_crop_px[:, :2].amax(dim=0)
    np.testing.assert_allclose((low + high) / 2, 127.5, atol=0.01)  # the crop is about the face at its new pose


def test_workers_and_what_is_kept_change_no_sample(frontal, model_file, tmp_path):
    options = PoseAugmentation(probability=1, crossover_probability=0.5)
    first = _images(_faces(_augmenter(frontal, model_file, tmp_path / "a", options), Augmentation()))
    kept = _images(_faces(_augmenter(frontal, model_file, tmp_path / "a", options), Augmentation()))
    workers = _images(_faces(_augmenter(frontal, model_file, tmp_path / "b", options), Augmentation()), workers=2)
    assert torch.equal(first, kept)
    assert torch.equal(first, workers)
    assert not torch.equal(first[:4], first[4:])  # another epoch, other views


def test_a_texture_that_is_damaged_or_cannot_be_kept_is_made_again(frontal, model_file, tmp_path):
    augmenter = _augmenter(frontal, model_file, tmp_path)
    image = _faces(augmenter)[0, 0].image
    (kept,) = augmenter.textures.glob("*.jpg")
    kept.write_bytes(kept.read_bytes()[:100])
    assert torch.equal(_faces(augmenter)[0, 0].image, image)
    assert read_image(kept).shape == (256, 256, 3)
    kept.unlink()
    augmenter.textures.rmdir()
    augmenter.textures.write_text("in the way")
    assert torch.equal(_faces(augmenter)[0, 0].image, image)


def test_faces_at_their_own_pose_are_as_without_pose_augmentation(frontal, model_file, tmp_path):
    augmenter = _augmenter(frontal, model_file, tmp_path, PoseAugmentation(probability=0))
    assert torch.equal(_images(_faces(augmenter)), _images(_faces(augmenter, is_plain=True)))


def test_light_changes_brightness_and_nothing_else(frontal, model_file, tmp_path):
    dark, lit = (_faces(_augmenter(frontal, model_file, tmp_path, replace(STILL, light=light))) for light in (0.0, 0.8))
    one, two = dark[0, 0], lit[0, 0]
    assert torch.equal(one.projection, two.projection)
    assert not torch.equal(one.image, two.image)
