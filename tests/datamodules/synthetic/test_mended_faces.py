"""A synthetic data set in the cache whose files are gone or damaged: what is lost is drawn anew, and nothing else."""

import os
import shutil

import pytest

from datamodules.errors import InputError
from datamodules.files.dataset_card import CARD
from datamodules.synthetic import drawn_files, faces_on_disk
from datamodules.synthetic.faces_on_disk import SyntheticSettings, make_data_set
from tests.datamodules.files.test_cached_files import DAMAGE
from tests.unprivileged import as_nobody

SETTINGS = SyntheticSettings(8, seed=1, image_size=32)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    place = tmp_path_factory.mktemp("made") / f"synthetic-{SETTINGS.fingerprint}"
    make_data_set(SETTINGS, place)
    return place


@pytest.fixture
def root(made, tmp_path):
    """A copy, to be damaged."""
    return shutil.copytree(made, tmp_path / made.name)


def _content(root):
    names = (path for path in root.rglob("*") if path.is_file() and not path.name.startswith("."))
    return {path.relative_to(root): path.read_bytes() if path.suffix in (".jpg", ".yaml") else None for path in names}


def _opened(monkeypatch):
    """The files that are opened to be checked, from here on."""
    opened = []
    read = drawn_files.read_image
    monkeypatch.setattr(drawn_files, "read_image", lambda path: opened.append(path) or read(path))
    return opened


def test_files_that_have_not_changed_are_not_opened(made, monkeypatch):
    opened = _opened(monkeypatch)
    assert make_data_set(SETTINGS, made) == 0
    assert not opened


# a picture with another bit is a picture
@pytest.mark.parametrize("damage", [*sorted(set(DAMAGE) - {"one other bit"}), "gone"])
def test_three_faces_that_are_lost_are_drawn_anew(damage, root, made, caplog, monkeypatch):
    for name in ("person000000_0.jpg", "person000000_3.mat", "person000001_1.jpg"):
        if damage == "gone":
            (root / name).unlink()
        else:
            (root / name).write_bytes(DAMAGE[damage]((root / name).read_bytes()))
    assert make_data_set(SETTINGS, root) == 3
    assert _content(root) == _content(made)
    assert caplog.messages == [f"{root}: files of 3 of its 8 faces are missing or damaged. These faces are drawn anew."]
    opened = _opened(monkeypatch)
    assert make_data_set(SETTINGS, root) == 0
    assert not opened


@pytest.mark.parametrize("name", ["model/BFM.mat", "model/BFM_UV.mat", CARD])
@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_the_face_model_and_the_card_are_made_anew(damage, name, root, made):
    path = root / name
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(DAMAGE[damage](path.read_bytes()))
    assert make_data_set(SETTINGS, root) == 0
    assert _content(root) == _content(made)
    assert faces_on_disk.DrawnFiles(root, [], root / "model" / "BFM.mat", 32).has_model()


def test_a_copy_is_opened_once_and_then_known(made, tmp_path, monkeypatch):
    copy = tmp_path / made.name
    shutil.copytree(made, copy, copy_function=shutil.copyfile)  # with other times
    opened = _opened(monkeypatch)
    assert make_data_set(SETTINGS, copy) == 0
    assert len(opened) == 8
    assert make_data_set(SETTINGS, copy) == 0
    assert len(opened) == 8


def test_a_folder_of_the_users_without_its_card_is_not_taken_for_these_faces(made, tmp_path):
    mine = shutil.copytree(made, tmp_path / "mine")
    assert make_data_set(SETTINGS, mine) == 0
    (mine / CARD).unlink()
    with pytest.raises(InputError, match="holds something else"):
        make_data_set(SETTINGS, mine)
    (mine / CARD).write_bytes(b"")
    with pytest.raises(InputError, match=r"dataset\.yaml: is no data set card"):
        make_data_set(SETTINGS, mine)


def test_what_a_power_cut_has_damaged_in_an_unfinished_folder_is_drawn_anew(made, tmp_path):
    root = tmp_path / "faces"
    unfinished = tmp_path / f".faces-{SETTINGS.fingerprint}"
    shutil.copytree(made, unfinished)
    (unfinished / "person000000_2.mat").write_bytes(b"")
    (unfinished / "person000001_0.jpg").write_bytes(bytes(500))
    (unfinished / "person000000_4.mat").unlink()
    assert make_data_set(SETTINGS, root) == 3
    assert _content(root) == _content(made)


def test_a_complete_cache_that_is_read_only_is_used(root):
    with as_nobody(root.parent, read_only=True) as run:
        assert run(make_data_set, SETTINGS, root) == 0


def test_a_damaged_cache_that_is_read_only_is_one_line(root):
    os.unlink(root / "person000000_1.jpg")
    with (
        as_nobody(root.parent, read_only=True) as run,
        pytest.raises(InputError, match=r"Permission denied.*cache_dir"),
    ):
        run(make_data_set, SETTINGS, root)


def test_a_complete_cache_that_is_read_only_and_was_never_checked_is_used(root):
    os.unlink(root / ".checked")
    with as_nobody(root.parent, read_only=True) as run:
        assert run(make_data_set, SETTINGS, root) == 0
