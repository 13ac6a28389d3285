from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.utils.data import default_collate

from datamodules import fitted_labels
from datamodules.errors import InputError
from datamodules.face_datamodule import FaceDataModule
from datamodules.files.bfm import read_coefficient_deviations
from datamodules.fitted_labels import annotate, fit_labels
from datamodules.geometry.camera import projections
from datamodules.geometry.face_size import box_size
from datamodules.geometry.landmark_model import LandmarkModel
from datamodules.geometry.landmarks import EYES, JAW, MOUTH, NOSE
from datamodules.prepare import prepare
from datamodules.readers.index_options import IndexOptions
from datamodules.synthetic.default_data import SyntheticFaces
from lightning_module.evaluation.nme import dense_nme
from tests.face_data import NO_AUGMENTATION

EXACT = SyntheticFaces(samples=90, test_samples=6, image_size=64)
FITTED = replace(EXACT, labels="fitted")


def _module(faces, cache):
    data = FaceDataModule(
        synthetic=faces,
        index=IndexOptions(cache_dir=cache),
        num_workers=0,
        image_size=32,
        augmentation=NO_AUGMENTATION,
        val_fraction=0.2,
    )
    data.check("fit")
    data.prepare_data()
    data.setup("fit")
    return data


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def exact(cache):
    return _module(EXACT, cache)


@pytest.fixture(scope="module")
def fitted(cache, exact):
    return _module(FITTED, cache)


@pytest.fixture(scope="module")
def errors(exact, fitted):
    """(N, 68) distances of annotated landmarks and of labels in percent, (N, 68) depths of hidden landmarks."""
    index, labels = exact.folders.training_data().index, fitted.folders.labelled_data().index
    model = exact.folders.targets.model.morphable
    annotations = annotate(index, np.arange(len(index)), model, EXACT.seed)
    to_image = projections(labels.poses, index.image_sizes[:, 1])
    landmarks = LandmarkModel(model).project(labels.identity, labels.expression, to_image)
    size = box_size(annotations.true_px)[:, None]
    placed, label = (
        100 * np.linalg.norm((points - annotations.true_px)[..., :2], axis=-1) / size
        for points in (np.pad(annotations.placed_px, ((0, 0), (0, 0), (0, 1))), landmarks)
    )
    return placed, label, annotations.hidden_by


def _samples(faces):
    return default_collate([faces[0, position] for position in range(len(faces))])


def _is_equal(one, other):
    return [torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b for a, b in zip(one, other, strict=True)]


def test_the_default_is_exact_and_its_faces_are_those_of_before():
    """Their digest is the name of their folder in the cache."""
    assert SyntheticFaces() == SyntheticFaces(labels="exact")
    faces = SyntheticFaces(samples=4500, test_samples=600, image_size=128)
    for kind in (faces, replace(faces, labels="fitted")):
        assert (kind.train_settings.fingerprint, kind.test_settings.fingerprint) == (
            "1411d1a6367db081",
            "9ca618d2567f044e",
        )


def test_validation_and_test_keep_the_truth(exact, fitted):
    for faces in ("val_faces", "test_faces"):
        one, other = (_samples(getattr(data, faces)) for data in (exact, fitted))
        assert len(one.key) >= 6
        assert all(_is_equal(one, other))


def test_every_training_face_has_another_label_on_the_same_photograph(exact, fitted):
    assert exact.folders.root == fitted.folders.root
    assert fitted.train_faces.keys == exact.train_faces.keys
    one, other = (_samples(data.train_faces) for data in (exact, fitted))
    assert (one.surface != other.surface).any(dim=1).all()
    assert (one.projection != other.projection).flatten(1).any(dim=1).all()
    # the crop follows the label's landmarks, by a few pixels at most
    assert (one.image.float() - other.image.float()).abs().mean() < 8


def test_training_landmarks_are_those_of_the_label(fitted):
    batch = fitted.complete(_samples(fitted.train_faces))
    row, col = torch.from_numpy(fitted.uv_layout.landmark_texels[:68]).unbind(dim=1)
    read = batch.position_map[:, :2, row, col].mT
    assert (read - batch.landmarks_crop_px[..., :2]).norm(dim=-1).mean() < 0.7


def test_kinds_of_label_are_different_data(exact, fitted):
    one, other = exact.fingerprints(), fitted.fingerprints()
    assert one.pop("data") != other.pop("data")
    assert one == other
    assert str(fitted.card("fit")) == "faces by formula, fitted labels (synthetic)"
    assert fitted.card("validate") == exact.card("fit")


def test_labels_are_made_once(cache, fitted, monkeypatch):
    monkeypatch.setattr(fitted_labels, "fit_labels", None)
    again = _module(FITTED, cache)
    assert all(_is_equal(again.train_faces[0, 3], fitted.train_faces[0, 3]))


def test_any_number_of_threads_makes_the_same_labels(exact, fitted):
    index, model = exact.folders.training_data().index, exact.folders.targets.model
    deviations = read_coefficient_deviations(model.path, model.morphable)
    three = fit_labels(index, model.morphable, deviations, EXACT.seed, processes=3)
    other = fit_labels(index, model.morphable, deviations, EXACT.seed + 1, processes=3)
    stored = fitted.folders.labelled_data().index
    for name, values in vars(three).items():
        np.testing.assert_array_equal(values, getattr(stored, name))
        assert (values != getattr(other, name)).any(axis=1).all()


@pytest.mark.parametrize(
    ("landmarks", "least", "most"), [(JAW, 1.8, 3.0), (EYES, 0.6, 1.2), (NOSE, 0.5, 1.2), (MOUTH, 0.6, 1.2)]
)
def test_landmarks_of_labels_are_off_by_as_much_as_in_the_documentation(errors, landmarks, least, most):
    assert least < errors[1][:, landmarks].mean() < most


def test_a_fit_is_nearer_to_the_truth_than_its_annotation(errors):
    placed, label, _ = errors
    assert 1.7 < placed.mean() < 2.2
    assert 1.0 < label.mean() < 1.5


def test_hidden_landmarks_are_worse(errors):
    placed, label, hidden_by = errors
    for error in (placed, label):
        for landmarks in (JAW, EYES):
            hidden, seen = hidden_by[:, landmarks] > 0.2, hidden_by[:, landmarks] < 0.02
            assert error[:, landmarks][hidden].mean() > 1.25 * error[:, landmarks][seen].mean()


def test_the_surface_between_landmarks_is_further_off_than_they_are(exact, fitted):
    index, labels = exact.folders.training_data().index, fitted.folders.labelled_data().index
    model, regions = exact.folders.targets.model.morphable, torch.from_numpy(exact.uv_layout.regions)
    to_image = [projections(part.poses[:60], part.image_sizes[:60, 1]) for part in (index, labels)]
    landmarks = LandmarkModel(model).project(index.identity[:60], index.expression[:60], to_image[0])
    truth, label = (
        exact.folders.targets.mapper(256)(
            torch.from_numpy(model.leading_coefficients(part.identity[:60], part.expression[:60])),
            torch.from_numpy(matrix.astype(np.float32)),
            torch.zeros(60, dtype=torch.bool),
        )
        for part, matrix in zip((index, labels), to_image, strict=True)
    )
    eyes_nose, mouth, face = (
        dense_nme(label, truth, regions == number, torch.from_numpy(landmarks)).mean() for number in (2, 3, 4)
    )
    assert 0.6 < eyes_nose < 1.2
    assert 0.6 < mouth < 1.2
    assert 1.9 < face < 3.1


def test_streamed_faces_with_fitted_labels_are_refused():
    with pytest.raises(InputError, match=r"synthetic\.labels is fitted, but streamed faces have exact labels"):
        FaceDataModule(synthetic=replace(FITTED, stream=True))


def test_stored_maps_of_fitted_labels_are_refused(cache, tmp_path):
    data = FaceDataModule(synthetic=FITTED, index=IndexOptions(cache_dir=cache))
    with pytest.raises(InputError, match=r"synthetic\.labels is fitted, which is for training only"):
        prepare(data, tmp_path)
