"""What the downloads hold is found by name and content, and what is missing is named with its source."""

import shutil
import zipfile
from pathlib import Path

import pytest

from datamodules.errors import InputError
from lightning_module.reproduction.inventory import take_inventory
from tests.stand_in_downloads import write_downloads

PRNET = ("256_256_resfcn256_weight.index", "256_256_resfcn256_weight.data-00000-of-00001", "uv_kpt_ind.txt")
RAW = ("Model_Shape.mat", "Model_Exp.mat", "Model_tri_mouth.mat", "model_info.mat")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return write_downloads(tmp_path_factory.mktemp("downloads"), tmp_path_factory.mktemp("scratch"), 1, 2)


@pytest.fixture
def downloads(made, tmp_path):
    return Path(shutil.copytree(made, tmp_path / "downloads"))


def fault(downloads):
    with pytest.raises(InputError) as caught:
        take_inventory(downloads, downloads / "out")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_all_parts_are_found(downloads):
    with zipfile.ZipFile(downloads / "PRNet.zip", "w") as archive:
        for name in PRNET:
            archive.writestr(f"PRNet-master/{name}", b"0")
        archive.writestr("PRNet-master/face_ind.txt", b"0")
    scans = downloads / "Florence"
    scans.mkdir()
    for name in ("subject_01.obj", "subject_01.npy", "subject_01.jpg", "subject_02.obj"):
        (scans / name).write_bytes(b"0")
    found = take_inventory(downloads, downloads / "out")
    assert [file.name for file in found.model] == ["BFM.mat", "BFM_UV.mat"]
    assert {file.name for file in found.prnet} == {*PRNET, "face_ind.txt"}
    assert found.florence.names == ["subject_01"]  # the second scan has neither landmarks nor a picture
    assert found.missing == []


def test_what_the_paper_can_do_without_is_named_as_missing(made):
    found = take_inventory(made, made / "out")
    assert not found.prnet
    assert found.florence is None
    prnet, florence = found.missing
    assert "lack 256_256_resfcn256_weight.index" in prnet
    assert "https://github.com/yfeng95/PRNet" in prnet
    assert "micc.unifi.it" in florence


def test_raw_files_stand_in_for_the_face_model(downloads):
    (downloads / "model" / "BFM.mat").unlink()
    for name in RAW:
        (downloads / name).write_bytes(b"0")
    found = take_inventory(downloads, downloads / "out")
    assert found.model == ()
    assert len(found.raw.files["bfm_uv.mat"]) == 1


def test_each_part_that_is_needed_is_named_with_its_source(downloads):
    (downloads / "300W-LP.zip").unlink()
    message = fault(downloads)
    assert "lacks 300W-LP (300W-LP.zip; or 300W-3D) from http://www.cbsr.ia.ac.cn" in message
    assert "AFLW2000" not in message
    (downloads / "AFLW2000-3D.zip").unlink()
    shutil.rmtree(downloads / "model")
    message = fault(downloads)
    for part in (
        "lacks 300W-LP",
        "; AFLW2000-3D",
        "Model_tri_mouth.mat from the downloads",
        "01_MorphableModel.mat from https://faces",
    ):
        assert part in message


def test_a_face_model_of_another_year_is_named(downloads):
    shutil.rmtree(downloads / "model")
    (downloads / "model2019_bfm.h5").write_bytes(b"\x89HDF")
    assert "model2019_bfm.h5 is the Basel Face Model of 2019" in fault(downloads)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<!DOCTYPE html><title>Sign in</title>", "300W-LP.zip: is a web page"),
        (b"PK\x03\x04" + b"\0" * 100, "300W-LP.zip: is incomplete"),
        (b"", "300W-LP.zip: is empty"),
    ],
)
def test_what_was_saved_in_place_of_an_archive_is_named(content, words, downloads):
    (downloads / "300W-LP.zip").write_bytes(content)
    assert words in fault(downloads)


@pytest.mark.parametrize("name", ["../300W_LP/AFW/a.jpg", "/300W_LP/AFW/a.jpg"])
def test_an_archive_that_would_leave_its_folder_is_not_read(name, downloads):
    with zipfile.ZipFile(downloads / "AFLW2000-3D.zip", "a") as archive:
        archive.writestr(name, b"0")
    message = fault(downloads)
    assert "lacks AFLW2000-3D" in message
    assert "lies outside the folder" in message


def test_a_copy_of_tensorflow_datasets_is_named(downloads):
    (downloads / "AFLW2000-3D.zip").unlink()
    (downloads / "aflw2k3d-train.tfrecord-00000-of-00001").write_bytes(b"0")
    assert "is a copy in the format of TensorFlow Datasets, whose AFLW2000-3D lacks the poses" in fault(downloads)


def test_a_download_that_has_not_finished_is_named(downloads):
    (downloads / "AFLW2000-3D.zip").rename(downloads / "AFLW2000-3D.zip.crdownload")
    assert "AFLW2000-3D.zip.crdownload: is a download that has not finished" in fault(downloads)


def test_the_folder_of_the_reproduction_is_no_download(downloads):
    (downloads / "300W-LP.zip").rename(downloads / "kept.zip")
    shutil.copytree(downloads, downloads / "out")
    (downloads / "kept.zip").unlink()
    assert "lacks 300W-LP" in fault(downloads)


def test_a_face_model_without_its_texture_coordinates_is_named(downloads):
    next(downloads.rglob("BFM_UV.mat")).unlink()
    assert "BFM.mat: has no BFM_UV.mat beside it" in fault(downloads)
