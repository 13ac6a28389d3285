"""Data sets in zip files, which are read where they lie."""

import os
import shutil
import zipfile

import numpy as np
import pytest

from datamodules.errors import InputError
from datamodules.files.dataset_card import read_card
from datamodules.files.face_folders import scan
from datamodules.files.file_content import is_folder, is_listed, list_files, list_folders, read_content
from datamodules.files.images import read_image, read_image_size
from datamodules.readers.face_index import open_index
from datamodules.readers.index_options import IndexOptions
from datamodules.readers.reader_300w import Reader300W
from tests.runs import fit, history, weights


def write_zip(path, folder, compression=zipfile.ZIP_DEFLATED, top=""):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, top + str(file.relative_to(folder)))
    return path


@pytest.fixture
def zipped(faces, tmp_path):
    return write_zip(tmp_path / "AFLW2000-3D.zip", faces)


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_files_in_a_zip_file_are_those_that_were_packed(compression, faces, tmp_path):
    path = write_zip(tmp_path / "a.zip", faces, compression, "top/")
    names = sorted(file.name for file in faces.glob("*.jpg"))
    assert [file.name for file in list_files(path / "top", (".jpg",))] == names
    assert list_folders(path) == ["top"]
    for file in faces.iterdir():
        assert read_content(path / "top" / file.name) == file.read_bytes()
    assert is_folder(path)
    assert is_folder(path / "top")
    assert not is_folder(path / "top" / names[0])
    assert is_listed(path / "top" / names[0])
    assert not is_listed(path / "top" / "none.jpg")
    assert np.array_equal(read_image(path / "top" / names[0]), read_image(faces / names[0]))
    assert read_image_size(path / "top" / names[0]) == read_image_size(faces / names[0])


@pytest.mark.parametrize("processes", [1, 2])
def test_the_index_of_a_zip_file_is_that_of_its_folder(processes, zipped, faces, tmp_path):
    options = [IndexOptions(cache_dir=tmp_path / name) for name in "ab"]
    one, other = (
        open_index(root, Reader300W(), own, processes) for root, own in zip((faces, zipped), options, strict=True)
    )
    assert one.fingerprint == other.fingerprint
    assert one.keys.tolist() == other.keys.tolist()
    assert all(np.array_equal(one.image(row), other.image(row)) for row in range(len(one)))
    assert read_card(zipped).name == "AFLW2000-3D"


def test_a_zip_file_that_changes_is_indexed_anew(zipped, faces, tmp_path):
    options = IndexOptions(cache_dir=tmp_path / "cache")
    before = open_index(zipped, Reader300W(), options)
    fewer = tmp_path / "fewer"
    shutil.copytree(faces, fewer)
    next(fewer.glob("*.mat")).unlink()
    zipped.unlink()
    write_zip(zipped, fewer)
    after = open_index(zipped, Reader300W(), options)
    assert len(after) == len(before) - 1


def test_processes_that_were_forked_read_from_the_same_archive(zipped, faces):
    names = sorted(file.name for file in faces.iterdir()) * 20
    read_content(zipped / names[0])  # opens the archive
    children = []
    for number in range(3):
        child = os.fork()
        if not child:
            order = np.random.default_rng(number).permutation(len(names))
            os._exit(any(read_content(zipped / names[i]) != (faces / names[i]).read_bytes() for i in order))
        children.append(child)
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0, 0, 0]


def test_a_changed_byte_gives_the_content_or_one_line(faces, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a.mat").write_bytes(bytes(range(200)) * 3)
    data = write_zip(tmp_path / "a.zip", folder).read_bytes()
    faults = 0
    for place in range(len(data)):
        path = tmp_path / f"{place}.zip"  # another name each time, since open archives are kept
        path.write_bytes(data[:place] + bytes([data[place] ^ 0x55]) + data[place + 1 :])
        try:
            assert read_content(path / "a.mat") == bytes(range(200)) * 3
        except InputError as error:
            faults += 1
            assert str(path) in str(error)  # noqa: PT017  # both outcomes are right
            assert "\n" not in str(error)  # noqa: PT017
        path.unlink()
    assert faults > len(data) / 3


@pytest.mark.parametrize("name", ["a.jpg", "folder/a.jpg", "top"])
def test_a_file_that_is_not_there_is_named(name, zipped):
    with pytest.raises(InputError, match="cannot be read"):
        read_content(zipped / name)


def test_a_web_page_under_the_name_of_a_zip_file_is_named(tmp_path):
    (tmp_path / "300W-LP.zip").write_text("<!doctype html><title>Google Drive: virus scan", encoding="utf-8")
    with pytest.raises(InputError, match=r"300W-LP\.zip: is a web page"):
        scan(tmp_path / "300W-LP.zip")


@pytest.mark.slow
def test_a_fit_on_zip_files_is_the_fit_on_their_folders(zipped, faces, model_file, tmp_path):
    runs = [
        fit(root, model_file, tmp_path / name, f"--data.test.root={root}", "--data.num_workers=2")
        for name, root in (("folder", faces), ("zip", zipped))
    ]
    figures = [history(run) for run in runs]
    assert any(name.startswith("test/") for name, _ in figures[0])
    for (name, step), value in figures[0].items():
        if "seconds" not in name and "test/" not in name:
            assert figures[1][name, step] == value, name
    one, other = (weights(run) for run in runs)
    assert all(bool((one[name] == other[name]).all()) for name in one)
