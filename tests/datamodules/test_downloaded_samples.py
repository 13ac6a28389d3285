"""Data sets among downloads are recognised by what they hold, and unpacked whole or not at all."""

import errno
import shutil
import zipfile
from collections import namedtuple
from pathlib import Path

import pytest
import yaml

from datamodules.errors import InputError
from datamodules.files import unpacking
from datamodules.files.downloaded_samples import sample_sets
from datamodules.files.downloads import list_downloads
from datamodules.files.face_folders import scan
from datamodules.files.unpacking import require_room, unpack_samples
from tests.fakes import write_faces
from tests.stand_in_downloads import write_downloads


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    scratch = tmp_path_factory.mktemp("scratch")
    return write_downloads(tmp_path_factory.mktemp("downloads"), scratch, photographs=1, test_faces=3), scratch


@pytest.fixture
def downloads(made, tmp_path):
    """The same, to be changed."""
    return Path(shutil.copytree(made[0], tmp_path / "downloads"))


def sets(folder):
    """The first data set for each purpose."""
    return {own.role: own for own in reversed(sample_sets(list_downloads(folder).files))}


def test_the_layouts_of_the_authors_are_recognised(downloads):
    found = sets(downloads)
    assert found["training"].place == downloads / "300W-LP.zip" / "300W_LP"
    assert (
        len(found["training"].samples) == 16
    )  # 8 folders of one photograph in two views; landmarks and code do not count
    assert {sample.key for sample in found["test"].samples} == {"image00002", "image00004", "image00006"}
    assert found["test"].name == "AFLW2000-3D"


def test_content_counts_and_not_the_name(downloads):
    (downloads / "300W-LP.zip").rename(downloads / "AFLW2000-3D (1).zip")
    (downloads / "AFLW2000-3D.zip").rename(downloads / "archive.zip")
    assert len(sets(downloads)["training"].samples) == 16
    assert sets(downloads)["test"].container.name == "archive.zip"


def test_folders_are_data_sets_too_at_any_depth(made, tmp_path):
    _, scratch = made
    shutil.copytree(scratch / "300W_LP", tmp_path / "kaggle" / "300W-LP" / "300W_LP")
    shutil.copytree(scratch / "AFLW2000", tmp_path / "AFLW2000-3D" / "AFLW2000")
    found = sets(tmp_path)
    assert found["training"].place == tmp_path / "kaggle" / "300W-LP" / "300W_LP"
    assert not found["training"].is_packed
    assert len(found["test"].samples) == 3


def test_the_mirrored_folders_may_be_missing_and_endings_be_upper_case(made, tmp_path):
    _, scratch = made
    for name in ("AFW", "IBUG"):
        shutil.copytree(scratch / "300W_LP" / name, tmp_path / "300W_LP" / name)
    for path in (tmp_path / "300W_LP" / "AFW").iterdir():
        path.rename(path.with_suffix(path.suffix.upper()))
    samples = sets(tmp_path)["training"]
    assert {sample.key for sample in samples.samples} == {
        "AFW/AFW_0_0",
        "AFW/AFW_0_1",
        "IBUG/IBUG_0_0",
        "IBUG/IBUG_0_1",
    }
    unpack_samples(samples, samples.samples, tmp_path / "unpacked")
    assert scan(tmp_path / "unpacked").keys == sorted(sample.key for sample in samples.samples)


def test_of_two_copies_the_whole_one_is_taken_and_a_folder_before_a_zip(made, downloads):
    _, scratch = made
    shutil.copytree(scratch / "AFLW2000", downloads / "AFLW2000")
    assert not sets(downloads)["test"].is_packed
    (downloads / "AFLW2000" / "image00002.mat").unlink()
    assert sets(downloads)["test"].is_packed


def test_pictures_with_other_mat_files_are_no_data_set(tmp_path):
    (tmp_path / "face.jpg").write_bytes(b"\xff\xd8")
    (tmp_path / "face.mat").write_bytes(b"no MATLAB file")
    assert not sets(tmp_path)


def test_few_samples_are_spread_over_all(made, tmp_path):
    samples = sets(made[0])["training"]
    assert {sample.key.partition("/")[0] for sample in samples.spread(4)} == {"AFW", "HELEN", "IBUG", "LFPW"}
    assert len(samples.spread(5)) == 5
    assert samples.spread(None) == samples.spread(100) == list(samples.samples)
    unpack_samples(samples, samples.spread(5), tmp_path / "few")
    assert yaml.safe_load((tmp_path / "few" / "dataset.yaml").read_text())["name"] == "300W-LP, 5 of 16 faces"


def test_a_data_set_keeps_the_kind_that_its_card_says(tmp_path):
    faces = write_faces(tmp_path / "faces", [0.0, 10])
    (faces / "dataset.yaml").write_text("name: made up\nkind: synthetic\nmorphable_model: BFM.mat\n")
    unpack_samples(sets(faces)["test"], sets(faces)["test"].samples, tmp_path / "out")
    card = yaml.safe_load((tmp_path / "out" / "dataset.yaml").read_text())
    assert (card["name"], card["kind"], card["morphable_model"]) == ("made up", "synthetic", "")


def test_more_bytes_than_announced_are_a_fault(made, tmp_path):
    samples = sets(made[0])["test"]
    short = [own._replace(image=_with_size(own.image, 10)) for own in samples.samples]
    with pytest.raises(InputError, match="has more than the 10 bytes"):
        unpack_samples(samples, short, tmp_path / "out" / "test")
    assert not list((tmp_path / "out").iterdir())


def _with_size(file, size):
    return type(file)(file.path, file.member._replace(size=size))


def test_a_bomb_is_refused_before_anything_is_written(made, tmp_path):
    parameters = (made[1] / "AFLW2000" / "image00002.mat").read_bytes()
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for stem in ("image00002", "image00004"):
            archive.writestr(f"AFLW2000/{stem}.jpg", b"\0" * (20 << 20))
            archive.writestr(f"AFLW2000/{stem}.mat", parameters)
    assert (tmp_path / "bomb.zip").stat().st_size < 100_000
    with pytest.raises(InputError, match=r"image00002.jpg: has 20 MB, far more than a file of a sample"):
        sets(tmp_path)


def test_a_disk_without_room_is_refused_before_anything_is_written(made, tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(unpacking.shutil, "disk_usage", lambda place: usage(1, 1, 65 << 20))
    samples = sets(made[0])["training"]
    monkeypatch.setattr(unpacking, "_SPARE", 65 << 20)
    with pytest.raises(InputError, match=r"needs 0\.00 GB"):
        unpack_samples(samples, samples.samples, tmp_path / "out" / "data")
    assert not (tmp_path / "out").exists()
    with pytest.raises(InputError, match=r"needs 1\.00 GB, and its disk has 0\.00 GB free"):
        require_room(tmp_path / "new" / "folder", 10**9)


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_what_is_interrupted_in_the_middle_leaves_nothing(error, made, tmp_path, monkeypatch):
    samples = sets(made[0])["test"]
    copy, count = unpacking._copy, []

    def fails_at_third(*args):
        count.append(1)
        if len(count) == 3:
            raise error
        copy(*args)

    monkeypatch.setattr(unpacking, "_copy", fails_at_third)
    with pytest.raises((InputError, KeyboardInterrupt)) as caught:
        unpack_samples(samples, samples.samples, tmp_path / "out" / "test")
    assert isinstance(error, KeyboardInterrupt) or "cannot be written (No space left on device). Set --out" in str(
        caught.value
    )
    assert not list((tmp_path / "out").iterdir())


def test_what_a_kill_has_left_is_made_anew(made, tmp_path):
    samples = sets(made[0])["test"]
    left = tmp_path / ".test.partial"
    left.mkdir()
    (left / "image00002.jpg").write_bytes(b"half")
    for _ in range(2):  # the second time in place of the first
        unpack_samples(samples, samples.samples, tmp_path / "test")
    assert not left.exists()
    assert len(scan(tmp_path / "test").keys) == 3
    assert (tmp_path / "test" / "image00002.jpg").stat().st_size > 100
