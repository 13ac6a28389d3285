"""What a detector or another library raises about one photograph costs no other photograph its faces."""

import shutil
from urllib.error import URLError

import cv2
import numpy as np
import pytest

from datamodules.errors import InputError
from lightning_module.inference import photo_faces, predict_command
from lightning_module.inference.predict_command import predict
from lightning_module.inference.reconstructor import Reconstructor
from tests.lightning_module.inference.truth import TrueNetwork, finder, write_truth

_ERRORS = (
    RuntimeError("Kernel size can't be greater\nthan actual input size"),
    cv2.error("(-215:Assertion failed) !ssize.empty()"),
    URLError("no network"),
    MemoryError(),
    KeyError("boxes"),
)


def test_photographs_that_a_detector_fails_at_are_named_and_the_others_go_on(fakes, tmp_path):
    folder, data, maps, crops = fakes
    for number in range(len(_ERRORS)):
        shutil.copy(folder / "image00001.jpg", folder / f"image00000_{number}.jpg")
    (folder / "image00001.jpg").unlink()
    find = finder(crops[[0, 2]])

    def failing(path, image):
        if "_" in path.stem:
            raise _ERRORS[int(path.stem[-1])]
        return find(path, image)

    done = write_truth([folder], failing, TrueNetwork(data, maps[[0, 2]]), tmp_path / "out")
    assert done.faces == ["image00000", "image00002"]
    for number, (error, fault) in enumerate(zip(_ERRORS, done.faults, strict=True)):
        path = folder / f"image00000_{number}.jpg"
        assert fault.startswith(f"{path}: its faces cannot be reconstructed ({type(error).__name__}")
        assert "\n" not in fault
    assert done.page is not None


def test_a_face_that_cannot_be_drawn_is_named_and_the_others_go_on(fakes, tmp_path, monkeypatch):
    folder, data, maps, crops = fakes
    write = photo_faces.write_face

    def drawn(face, photo, *more):
        if photo.name == "image00000":
            raise ValueError("texture")
        return write(face, photo, *more)

    monkeypatch.setattr(photo_faces, "write_face", drawn)
    done = write_truth([folder], finder(crops), TrueNetwork(data, maps), tmp_path / "out")
    assert done.faces == ["image00001", "image00002"]
    assert "image00000.jpg: its faces cannot be reconstructed (ValueError: texture" in done.faults[0]


def test_a_full_disk_is_about_the_results_and_not_about_a_photograph(fakes, tmp_path, monkeypatch):
    folder, data, maps, crops = fakes

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(photo_faces, "write_face", full)
    with pytest.raises(InputError, match=r"out: cannot be written \(No space left on device\)\. Set --out"):
        write_truth([folder], finder(crops), TrueNetwork(data, maps), tmp_path / "out")


def test_a_photograph_whose_name_is_no_text_is_reconstructed(fakes, tmp_path):
    folder, data, maps, crops = fakes
    (folder / "image00000.jpg").rename(folder / "caf\udce9.jpg")
    done = write_truth([folder / "caf\udce9.jpg"], finder(crops[:1]), TrueNetwork(data, maps[:1]), tmp_path / "out")
    assert done.faces == ["caf_"]
    assert done.page is not None
    assert not done.faults


def test_a_detector_that_cannot_be_loaded_is_said_once_and_not_of_each_photograph(fakes, tmp_path, monkeypatch):
    folder, data, maps, _ = fakes

    def offline(*_, **__):
        raise URLError("no network")

    monkeypatch.setattr("face_alignment.FaceAlignment", offline)
    network = TrueNetwork(data, maps)
    monkeypatch.setattr(Reconstructor, "load", lambda *_: Reconstructor(network, "face-alignment"))
    monkeypatch.setattr(predict_command, "find_network", lambda path: path)
    with pytest.raises(InputError, match=r"^face-alignment's weights cannot be loaded"):
        predict([folder], tmp_path / "a.ckpt", tmp_path / "out", detector="face-alignment")


def test_boxes_of_a_spreadsheet_of_another_system_mark_the_faces(fakes, tmp_path, monkeypatch, caplog):
    folder, data, maps, _ = fakes
    (tmp_path / "boxes.csv").write_bytes(
        "photo;x1;y1;x2;y2\r\n..\\faces\\IMAGE00000.JPG;20,5;20;100;100\r\nfehlt-ä.jpg;1;2;3;4\r\n".encode("cp1252")
    )
    network = TrueNetwork(data, maps)
    monkeypatch.setattr(Reconstructor, "load", lambda *_: Reconstructor(network, passes=1))
    monkeypatch.setattr(predict_command, "find_network", lambda path: path)
    out = tmp_path / "out"
    done = predict([folder], tmp_path / "a.ckpt", out, boxes=tmp_path / "boxes.csv", texture_size=128)
    assert done.faces == ["image00000"]
    np.testing.assert_array_equal(len(done.faceless), 2)
    assert "fehlt-ä.jpg, which is not among the photographs. Name each by its file name" in caplog.text
