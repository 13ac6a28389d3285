"""Files that belong to no data set: those that macOS leaves, and those whose names are no text."""

import os
import shutil

import numpy as np
import pytest

from datamodules.errors import InputError
from datamodules.files.face_folders import scan
from datamodules.files.listed_names import is_empty, shown
from datamodules.files.mesh_files import mesh_files
from datamodules.readers.stored_map_reader import StoredMapReader
from datamodules.synthetic.faces_on_disk import SyntheticSettings, make_data_set
from lightning_module.inference.photo_list import collect_photos
from run import main
from tests.face_data import face_data
from tests.fakes import write_faces

_LITTER = (".DS_Store", "._image00000.jpg", "._image00000.mat", "._image00000.npy", "._image00000.obj", ".half.jpg")


@pytest.fixture
def litter():
    """Adds what macOS leaves to a folder."""

    def add(folder):
        for place in (folder, folder / "__MACOSX"):
            place.mkdir(exist_ok=True)
            for name in _LITTER:
                (place / name).write_bytes(b"\0\5\26\7")
        return folder

    return add


def test_what_macos_leaves_in_a_data_folder_is_neither_a_sample_nor_a_fault(litter, tmp_path):
    root = write_faces(tmp_path / "data", [0.0, 20])
    before = scan(root)
    litter(root)
    assert scan(root) == before
    (root / ".half.mat").write_bytes(b"")  # a pair that a killed command has left
    assert scan(root) == before


def test_what_macos_leaves_among_position_maps_is_neither_a_map_nor_a_fault(litter, tmp_path):
    (tmp_path / "a").mkdir()
    for name in ("a/one.jpg", "a/one.npy"):
        (tmp_path / name).write_bytes(b"x")
    before = StoredMapReader().list_samples(tmp_path)
    litter(tmp_path)
    litter(tmp_path / "a")
    assert StoredMapReader().list_samples(tmp_path) == before


def test_what_macos_leaves_is_no_photograph_and_no_mesh(litter, tmp_path):
    for name in ("a.jpg", "a.obj"):
        (tmp_path / name).write_bytes(b"x")
    litter(tmp_path)
    assert [photo.name for photo in collect_photos([tmp_path], tmp_path / "out")] == ["a"]
    assert list(mesh_files(tmp_path)) == ["a"]


def test_landmarks_are_fitted_to_photographs_only(litter, model_file, tmp_path):
    folder = write_faces(tmp_path / "data", [0.0])
    for path in folder.glob("*.mat"):
        np.save(path.with_suffix(".npy"), _landmarks(path))
        path.unlink()
    litter(folder)
    assert main(["fit-landmarks", f"--photos={folder}", f"--morphable_model={model_file}"]) == 1
    assert (folder / "image00000.mat").is_file()


def _landmarks(path):
    from datamodules.files.face_mat import read_face_mat

    return read_face_mat(path).landmarks_image_px


def test_a_folder_that_macos_has_looked_into_is_empty(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / ".DS_Store").write_bytes(b"\0")
    assert is_empty(out)
    assert make_data_set(SyntheticSettings(1, image_size=32), out) == 1
    assert not is_empty(out)


@pytest.fixture
def latin(tmp_path):
    """A data set with a sample whose name has a letter of Latin-1."""
    root = write_faces(tmp_path / "data", [0.0, 20])
    for ending in (b".jpg", b".mat", b".npy"):
        shutil.copy(root / "image00000.jpg", os.fsencode(root) + b"/caf\xe9" + ending)
    return root


def test_a_sample_whose_name_is_no_text_is_named_and_left_out(latin):
    samples = scan(latin)
    assert samples.keys == ["image00000", "image00001"]
    assert samples.faults == [f"{latin}/caf\\xe9: its name is no UTF-8. Rename it."]
    (latin / "image00000.npy").write_bytes(b"x")
    faults = StoredMapReader().list_samples(latin).faults
    assert f"{latin}/caf\\xe9.npy: its name is no UTF-8. Rename it." in faults


def test_a_data_folder_whose_name_is_no_text_is_one_line(model_file, tmp_path):
    root = write_faces(tmp_path / "caf\udce9", [0.0])
    with pytest.raises(InputError, match=r"caf\\xe9: its name is no UTF-8\. Rename it"):
        scan(root)
    with pytest.raises(InputError, match=r"caf\\xe9: its name is no UTF-8\. Rename it"):
        StoredMapReader().list_samples(root)
    with pytest.raises(InputError, match=r"caf\\xe9: its name is no UTF-8\. Rename it"):
        face_data(root, model_file).check("fit")  # before a run is made


@pytest.mark.parametrize("arguments", [["caf\udce9.jpg", "--out=out"], ["a.jpg", "--out=caf\udce9"]])
def test_an_argument_that_is_no_text_is_one_line(arguments):
    with pytest.raises(InputError, match=r"the name is no UTF-8\. Rename it") as caught:
        main(["predict", *arguments, "--ckpt_path=a.ckpt"])
    assert "\n" not in str(caught.value)
    assert "codec" not in str(caught.value)


def test_landmarks_of_a_photograph_whose_name_is_no_text_are_not_fitted(latin, model_file, caplog):
    (latin / "image00001.mat").unlink()
    np.save(latin / "image00001.npy", _landmarks(latin / "image00000.mat"))
    os.unlink(os.fsencode(latin) + b"/caf\xe9.mat")
    np.save(latin / "caf\udce9.npy", _landmarks(latin / "image00000.mat"))
    assert main(["fit-landmarks", f"--photos={latin}", f"--morphable_model={model_file}"]) in (0, 1)
    assert r"caf\xe9.jpg: its name is no UTF-8. Rename it." in caplog.text


def test_a_mesh_whose_name_is_no_text_is_one_line(tmp_path):
    (tmp_path / "caf\udce9.obj").write_bytes(b"x")
    with pytest.raises(InputError, match=r"caf\\xe9\.obj: its name is no UTF-8"):
        mesh_files(tmp_path)


def test_bytes_that_are_no_utf_8_are_spelt_out_and_others_are_not():
    assert shown("caf\udce9") == "caf\\xe9"
    assert shown("café") == "café"


@pytest.mark.skipif(os.name != "posix", reason="needs folders that cannot be listed")
def test_a_folder_of_maps_that_cannot_be_listed_is_named(tmp_path, monkeypatch):
    for name in ("one.jpg", "one.npy", "sub/two.npy"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    listing = os.scandir

    def refuse(path):
        if str(path).endswith("sub"):
            raise PermissionError(13, "Permission denied", str(path))
        return listing(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(InputError, match=r"sub: cannot be listed \(Permission denied\)"):
        StoredMapReader().list_samples(tmp_path)
