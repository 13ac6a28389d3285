import numpy as np
import pytest

from benchmarks.annotation_noise import deviation, neighbour_correlation, read_difference
from datamodules.geometry.annotation import (
    CONTOURS,
    JAW_LINE,
    annotated,
    contour_tangents,
    noise_of_hidden,
    normals_of,
)
from datamodules.geometry.face_size import box_size
from datamodules.geometry.landmarks import LANDMARKS_68
from tests.fakes import fake_face

ANNOTATORS = 2500
CHEEKS = [*range(6), *range(11, 17)]


def _noise(contour, depth=0.0):
    """(N, L) noise along and across a contour of one frontal face, in percent of its size."""
    landmarks = fake_face(0.0, seed=4)[0].landmarks_image_px[None]
    normal = np.random.default_rng(0).normal(size=(ANNOTATORS, LANDMARKS_68, 2))
    repeated = landmarks.repeat(ANNOTATORS, axis=0)
    placed = annotated(repeated, np.full(repeated.shape[:2], depth), normal)
    apart = 100 * (placed - repeated[..., :2])[:, contour.part] / box_size(landmarks)[0]
    tangents = contour_tangents(repeated[:, contour.part, :2], contour.is_closed)
    return (apart * tangents).sum(axis=-1), (apart * normals_of(tangents)).sum(axis=-1)


def test_every_landmark_belongs_to_one_contour():
    assert [landmark for contour in CONTOURS for landmark in contour.landmarks] == list(range(LANDMARKS_68))


@pytest.mark.parametrize("contour", CONTOURS, ids=lambda contour: f"from {contour.landmarks.start}")
def test_annotators_err_as_the_table_says(contour):
    along, across = _noise(contour)
    np.testing.assert_allclose(along.std(axis=0), np.broadcast_to(contour.along, along.shape[1]), rtol=0.06)
    np.testing.assert_allclose(across.std(axis=0), contour.across, rtol=0.06)
    correlation = [np.corrcoef(along[:, i], along[:, i + 1])[0, 1] for i in range(along.shape[1] - 1)]
    np.testing.assert_allclose(correlation, contour.correlation, atol=0.06)


def test_cheeks_slide_along_the_jaw_line():
    along, across = _noise(JAW_LINE)
    assert along[:, CHEEKS].std() > 1.9 * across[:, CHEEKS].std()


def test_the_deeper_a_landmark_is_hidden_the_worse_it_is_placed():
    for contour in CONTOURS:
        spreads = [np.std(_noise(contour, depth)[1]) for depth in (0.0, 0.3, 0.8)]
        assert spreads[0] < spreads[1] < spreads[2]
        factor = noise_of_hidden(np.full((1, LANDMARKS_68), 0.8))[0, contour.part]
        np.testing.assert_allclose(factor, spreads[2] / spreads[0], rtol=0.01)


def test_tangents_follow_a_circle():
    angle = np.linspace(0, 2 * np.pi, 8, endpoint=False)
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=-1)[None]
    expected = np.stack([-np.sin(angle), np.cos(angle)], axis=-1)[None]
    np.testing.assert_allclose(contour_tangents(circle, True), expected, atol=1e-12)
    np.testing.assert_allclose(contour_tangents(circle, False)[:, 1:-1], expected[:, 1:-1], atol=1e-12)
    np.testing.assert_allclose(normals_of(expected), -circle, atol=1e-12)
    assert not contour_tangents(np.ones((1, 5, 2)), True).any()


def test_the_table_is_that_of_two_annotations_of_photographs(real):
    """The far half of the jaw line is left out: many faces of |yaw| up to 30 degrees hide it."""
    difference = read_difference(real / "gt").of_yaw(0, 30)
    for contour in CONTOURS:
        along, across = difference.components(contour)
        is_near = np.array(contour.landmarks) >= 8 if contour is JAW_LINE else np.ones(along.shape[1], bool)
        assert np.abs(deviation(along) - contour.along)[is_near].max() < 0.4
        assert np.abs(deviation(across) - contour.across)[is_near].max() < 0.3
        measured = (neighbour_correlation(along) + neighbour_correlation(across)) / 2
        assert measured == pytest.approx(contour.correlation, abs=0.1)
