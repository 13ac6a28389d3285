"""Faces of an image in Python."""

import shutil

import numpy as np
import pytest

from datamodules.errors import InputError
from datamodules.files.photographs import read_photograph
from datamodules.geometry.crop import crop_matrix, crop_points
from lightning_module.inference.crop_network import load_network
from lightning_module.inference.network_file import find_network
from lightning_module.inference.reconstructor import Reconstructor
from lightning_module.tracking.run_folder import RunFolder
from tests.lightning_module.inference.truth import TrueNetwork, detection
from tests.runs import fit


class _Finder:
    """A detector of one's own."""

    def __init__(self, *faces):
        self.faces = list(faces)

    def detect(self, image):
        return self.faces


def _image(folder, number=1):
    return read_photograph(folder / f"image0000{number}.jpg")


def test_a_detected_face_has_all_that_its_map_says(fakes):
    folder, data, maps, crops = fakes
    reconstructor = Reconstructor(TrueNetwork(data, maps[1:]), _Finder(detection(crops[1])), passes=1)
    (face,) = reconstructor(_image(folder))
    count = len(face.vertices)
    assert face.vertices.shape == (count, 3)
    assert face.visible.shape == (count,)
    assert 0.5 < face.visible.mean() <= 1
    assert (face.landmarks.shape, face.landmarks_81.shape) == ((68, 3), (81, 3))
    assert face.texture.shape == (512, 512, 3)
    assert set(np.unique(face.triangles)) == set(range(count))  # all vertices, and no other
    rows, cols = data.uv_layout.landmark_texels.T
    in_crop = crop_points(face.landmarks_81, crop_matrix(crops[1]))
    np.testing.assert_allclose(in_crop[:, :2], maps[1][rows, cols, :2], atol=0.01)
    assert np.abs(face.pose[1]) < 10  # it looks at the camera
    nearest = np.linalg.norm(face.vertices[:, None] - face.landmarks[None, 30:31], axis=2).min()
    assert nearest < 1e-9  # landmarks are vertices
    assert face.vertices[:, 2].min() == pytest.approx(0)


def test_boxes_take_the_place_of_the_detector(fakes):
    folder, data, maps, _ = fakes
    reconstructor = Reconstructor(TrueNetwork(data, maps[[1, 1]]), _Finder(), passes=1)
    boxes = np.array([[20, 20, 100, 100], [10, 20, 90, 80]])
    faces = reconstructor(_image(folder), boxes)
    assert [face.detection.detector for face in faces] == ["boxes", "boxes"]
    np.testing.assert_allclose([face.crop for face in faces], [[60, 60, 120], [50, 50, 105]])


def test_an_image_without_faces_has_none(fakes):
    folder, data, maps, _ = fakes
    assert Reconstructor(TrueNetwork(data, maps), _Finder())(_image(folder)) == []
    assert Reconstructor(TrueNetwork(data, maps), _Finder())(_image(folder), np.empty((0, 4))) == []


def test_no_boxes_give_no_faces(fakes):
    _, data, maps, _ = fakes
    assert Reconstructor(TrueNetwork(data, maps), _Finder())(np.zeros((99, 99, 3), np.uint8), []) == []


def test_a_crowd_is_shown_to_the_network_a_few_at_a_time(fakes):
    folder, data, maps, crops = fakes
    shown = []

    class Network(TrueNetwork):
        def maps(self, images):
            shown.append(len(images))
            return super().maps(images)

    crowd = _Finder(*[detection(crops[1])] * 11)
    faces = Reconstructor(Network(data, maps[[1] * 11]), crowd, passes=1)(_image(folder))
    assert len(faces) == 11
    assert shown == [8, 3]


@pytest.mark.parametrize(
    ("image", "boxes", "fault"),
    [
        (np.zeros((9, 9), np.uint8), None, r"the image is uint8 of shape \(9, 9\)"),
        (np.zeros((9, 9, 3)), None, "the image is float64"),
        (np.zeros((99, 99, 3), np.uint8), [1, 2, 3, 4], r"the boxes have shape \(4,\)"),
        (np.zeros((99, 99, 3), np.uint8), [[200, 200, 300, 300]], "the box 200, 200, 300, 300 is no face of 99 x 99"),
        ([[[0, 0, 0]]], None, "the image is list"),
        (np.zeros((99, 99, 3), np.uint8), [[1, 2, 3, 4], [5]], "the boxes are no array of numbers"),
        (np.zeros((99, 99, 3), np.uint8), [["a", "b", "c", "d"]], "the boxes are no array of numbers"),
    ],
)
def test_what_is_no_image_or_no_box_is_one_clear_line(image, boxes, fault, fakes):
    _, data, maps, _ = fakes
    with pytest.raises(InputError, match=fault):
        Reconstructor(TrueNetwork(data, maps), _Finder())(image, boxes)


def test_a_network_is_found_by_its_file_its_run_and_the_name_of_its_run(faces, model_file, tmp_path, monkeypatch):
    run = fit(faces, model_file, tmp_path / "mlruns", "--trainer.max_epochs=1", "--tracking.run_name=my first")
    monkeypatch.setattr("lightning_module.inference.network_file.PROJECT", tmp_path)
    RunFolder.create(run.path.parent, f"test {run.key}").journal.touch()  # newer, and without a checkpoint
    for name in (run.best_checkpoint, str(run.best_checkpoint), run.path, run.key, "my first", "my-first"):
        assert find_network(name) == run.best_checkpoint
    image = np.random.default_rng(0).integers(0, 255, (120, 110, 3), np.uint8)
    box = np.array([[20.0, 20, 100, 100]])
    (plain,) = Reconstructor.load("my first", passes=1)(image, box)
    (averaged,) = Reconstructor.load("my first", mirror_average=True, passes=1)(image, box)
    assert not np.array_equal(plain.vertices, averaged.vertices)
    assert load_network(run.best_checkpoint).image_size == 32
    for name, fault in (
        ("another", "another: is no file, and .* holds no run of this name"),
        (tmp_path / "gone.ckpt", r"gone\.ckpt: there is no such checkpoint"),
        (tmp_path, "holds no checkpoint"),
    ):
        with pytest.raises(InputError, match=fault):
            find_network(name)
    shutil.rmtree(tmp_path / "mlruns")
