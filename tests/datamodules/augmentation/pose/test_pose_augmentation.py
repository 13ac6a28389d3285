import numpy as np
import pytest
import torch
from datamodules.augmentation.photometric import NO_AUGMENTATION, Augmentation
from datamodules.files.face_index import open_index
from torch.utils.data import DataLoader

from datamodules.augmentation.pose.pose_augmentation import Profiler
from datamodules.augmentation.pose.view_rendering import draw_face
from datamodules.augmentation.pose.view_sampling import Profiling
from datamodules.crop_table import make_crops
from datamodules.dataset import FaceDataset, SampleMaker
from datamodules.files.bfm import read_morphable_model
from datamodules.files.face_folders import scan
from datamodules.files.images import read_image
from datamodules.geometry.camera import project
from tests.fakes import write_faces

STILL = Profiling(tilt_deg=0, coefficients=0, light=0)


@pytest.fixture
def frontal(tmp_path):
    return write_faces(tmp_path / "data", [0.0, 8, -10, 5])


def _profiler(root, model_file, cache, **others):
    model = read_morphable_model(model_file)
    index = open_index(scan(root), cache)
    return Profiler.of(index, np.arange(len(index)), model, **others)


def _faces(profiler, augmentation=NO_AUGMENTATION, seed=0, image_size=64):
    maker = SampleMaker(profiler.model, image_size, augmentation, seed, profiler)
    crops = make_crops(profiler.index, profiler.model)
    return FaceDataset(profiler.index, crops.rows, crops, maker)


def _images(faces, workers=0):
    places = [(epoch, position) for epoch in range(2) for position in range(len(faces))]
    return torch.cat([batch.image for batch in DataLoader(faces, 2, sampler=places, num_workers=workers)])


@pytest.mark.parametrize("mirror", [0.0, 1.0])
def test_what_is_drawn_lies_where_the_sample_says(mirror, frontal, model_file, tmp_path, monkeypatch):
    profiler = _profiler(frontal, model_file, tmp_path, settings=STILL)
    # a texture of smooth stripes, so that a pixel off would show
    rows, cols = np.mgrid[:256, :256]
    stripes = np.stack([127 + 100 * np.sin(rows / 9), 127 + 100 * np.sin(cols / 9), 0 * rows + 60], axis=2)
    stripes = stripes.astype(np.uint8)
    monkeypatch.setattr(Profiler, "_texture", lambda *_: stripes)
    augmentation = Augmentation(30, (0.9, 1.1), 0.05, mirror, (1, 1), 0)
    sample = _faces(profiler, augmentation, image_size=256)[0, 1]
    assert sample.is_mirrored.item() == bool(mirror)
    surface = profiler.surface
    vertices = project(surface.points(sample.coefficients.numpy()), sample.projection.numpy().astype(np.float64))
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


def test_a_turned_sample_has_the_yaw_it_shows_and_the_models_landmarks(frontal, model_file, tmp_path):
    profiler = _profiler(frontal, model_file, tmp_path)
    faces = _faces(profiler)
    yaws = [faces[epoch, 0].yaw_deg.item() for epoch in range(30)]
    assert min(yaws) < -60
    assert max(yaws) > 60
    sample = faces[3, 0]
    model = profiler.model
    vertices = project(model.mean + model.basis @ sample.coefficients.numpy(), sample.projection.numpy())
    np.testing.assert_allclose(sample.landmarks_68_px, vertices[model.landmark_vertices], atol=0.05)
    low, high = sample.landmarks_68_px[:, :2].amin(dim=0), sample.landmarks_68_px[:, :2].amax(dim=0)
    np.testing.assert_allclose((low + high) / 2, 127.5, atol=0.01)  # the crop is about the turned face


def test_workers_and_what_is_kept_change_no_sample(frontal, model_file, tmp_path):
    settings = Profiling(crossover_probability=0.5)
    first = _images(_faces(_profiler(frontal, model_file, tmp_path / "a", settings=settings), Augmentation()))
    kept = _images(_faces(_profiler(frontal, model_file, tmp_path / "a", settings=settings), Augmentation()))
    workers = _images(
        _faces(_profiler(frontal, model_file, tmp_path / "b", settings=settings), Augmentation()), workers=2
    )
    assert torch.equal(first, kept)
    assert torch.equal(first, workers)
    assert not torch.equal(first[:4], first[4:])  # another epoch, other views


def test_a_texture_that_is_damaged_or_cannot_be_kept_is_made_again(frontal, model_file, tmp_path):
    profiler = _profiler(frontal, model_file, tmp_path)
    image = _faces(profiler)[0, 0].image
    (kept,) = profiler.textures.glob("*.jpg")
    kept.write_bytes(kept.read_bytes()[:100])
    assert torch.equal(_faces(profiler)[0, 0].image, image)
    assert read_image(kept).shape == (256, 256, 3)
    kept.unlink()
    profiler.textures.rmdir()
    profiler.textures.write_text("in the way")
    assert torch.equal(_faces(profiler)[0, 0].image, image)


def test_faces_that_are_not_turned_are_as_without_a_profiler(frontal, model_file, tmp_path):
    profiler = _profiler(frontal, model_file, tmp_path, probability=0.0)
    crops = make_crops(profiler.index, profiler.model)
    plain = FaceDataset(profiler.index, crops.rows, crops, SampleMaker(profiler.model, 64, NO_AUGMENTATION))
    assert torch.equal(_images(_faces(profiler)), _images(plain))


def test_light_changes_brightness_and_nothing_else(frontal, model_file, tmp_path):
    dark, lit = (
        _faces(_profiler(frontal, model_file, tmp_path, settings=Profiling(tilt_deg=0, coefficients=0, light=light)))
        for light in (0.0, 0.8)
    )
    one, two = dark[0, 0], lit[0, 0]
    assert torch.equal(one.projection, two.projection)
    assert not torch.equal(one.image, two.image)
