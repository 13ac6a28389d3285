"""What hides parts of a face."""

import numpy as np
import pytest
import torch

from datamodules.augmentation.augmentation_options import Augmentation
from datamodules.augmentation.occluders import _fingers, _glasses, _hair, occlude
from datamodules.errors import InputError
from datamodules.geometry.landmarks import EYES, JAW, MIRROR_68, MOUTH
from tests.face_data import face_data
from tests.fakes import landmark_uv, write_faces

SIZE = 200
SKIN = (180, 140, 120)
ALONE = {
    "rotation_deg": 0,
    "scale": [1, 1],
    "shift": 0,
    "mirror_probability": 0,
    "colour_gain": [1, 1],
    "erase_probability": 0,
}


@pytest.fixture
def face():
    """A plain crop and its landmarks."""
    uv = landmark_uv()
    points = np.column_stack([255 * uv[:, 0], 255 * (1 - uv[:, 1]), 0 * uv[:, 0]])
    return np.full((SIZE, SIZE, 3), SKIN, np.uint8), points


def _hidden(image, drawn):
    return (drawn != image).any(axis=2)


def _at(points):
    return tuple(np.rint(points[:, 1::-1] * (SIZE - 1) / 255).astype(int).T)


def test_one_seed_draws_one_thing_and_leaves_its_crop_alone(face):
    image, points = face
    before = image.copy()
    pictures = [occlude(image, points, np.random.default_rng(seed)) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(pictures[0], pictures[1])
    assert (pictures[0] != pictures[2]).any()
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize("seed", range(5))
def test_glasses_lie_about_the_eyes_and_nowhere_else(seed, face):
    image, points = face
    hidden = _hidden(image, _glasses(image, points * (SIZE - 1) / 255, np.random.default_rng(seed)))
    assert hidden[_at(points[EYES])].mean() > 0.9
    assert not hidden[_at(points[MOUTH])].any()
    np.testing.assert_allclose(hidden.sum(axis=0), hidden[:, ::-1].sum(axis=0), atol=6)  # as symmetric as the face


def test_a_lens_that_looks_away_is_not_drawn(face):
    image, points = face
    from_behind = points[MIRROR_68] * (SIZE - 1) / 255  # the back of the head: left and right have changed places
    assert not _hidden(image, _glasses(image, from_behind, np.random.default_rng(0))).any()


@pytest.mark.parametrize("draw", [_fingers, _hair])
def test_fingers_and_hair_hide_some_of_the_face_and_not_all(draw, face):
    image, points = face
    low, high = points[JAW, :2].min(axis=0), points[JAW, :2].max(axis=0)
    shares = []
    for seed in range(20):
        hidden = _hidden(image, draw(image, points * (SIZE - 1) / 255, np.random.default_rng(seed)))
        x, y = (slice(int(a * SIZE / 255), int(b * SIZE / 255)) for a, b in zip(low, high, strict=True))
        shares.append(hidden[y, x].mean())
    assert max(shares) < 0.6
    assert np.mean(shares) > 0.01


def test_it_changes_the_picture_and_no_number_of_a_sample(model_file, tmp_path):
    folder = write_faces(tmp_path / "faces", [0.0, 20.0])

    def samples(probability):
        augmentation = Augmentation(**{**ALONE, "occluder_probability": probability})
        data = face_data(folder, model_file, val_fraction=0, augmentation=augmentation, pose_probability=0)
        data.prepare_data()
        data.setup("fit")
        return [data.train_faces[0, 0], data.train_faces[0, 0]]

    (plain, _), (hidden, again) = samples(0.0), samples(1.0)
    assert (plain.image != hidden.image).any()
    assert torch.equal(hidden.image, again.image)
    assert torch.equal(plain.landmarks_crop_px, hidden.landmarks_crop_px)
    assert torch.equal(plain.projection, hidden.projection)


def test_a_probability_is_one():
    with pytest.raises(InputError, match=r"augmentation\.occluder_probability is 2"):
        Augmentation(occluder_probability=2)
