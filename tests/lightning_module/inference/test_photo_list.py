"""Which photographs are meant."""

import pytest

from datamodules.errors import InputError
from lightning_module.inference.photo_list import collect_photos


@pytest.fixture
def album(tmp_path):
    for name in ("one/a.jpg", "one/b.PNG", "one/notes.txt", "two/a.jpg", "two/A.png", "two/deeper/c.jpg", "d e.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    return tmp_path


def test_folders_are_listed_and_files_are_taken_as_they_are(album):
    photos = collect_photos(
        [album / "one", album / "d e.jpg", album / "missing.jpg", album / "one/a.jpg"], album / "out"
    )
    assert [photo.name for photo in photos] == ["a", "b", "d_e", "missing"]


def test_photographs_of_one_name_are_told_apart_whatever_their_folder_ending_and_capitals(album):
    names = [photo.name for photo in collect_photos([album / "one", album / "two"], album / "out")]
    assert names == ["one_a", "b", "two_A.png", "two_a.jpg"]


def test_results_never_lie_among_photographs(album):
    with pytest.raises(InputError, match="lies in --out"):
        collect_photos([album / "one"], album / "one")


def test_an_empty_folder_is_said(album):
    (album / "empty").mkdir()
    with pytest.raises(InputError, match="holds no photographs"):
        collect_photos([album / "empty"], album / "out")


def test_names_stay_apart_when_what_files_cannot_hold_is_replaced(tmp_path):
    paths = [tmp_path / name for name in ("a b.jpg", "a_b.png", "a#b.jpg", f"{'long' * 60}.jpg", "caf\udce9.png")]
    names = [photo.name for photo in collect_photos(paths, tmp_path / "out")]
    assert len({name.lower() for name in names}) == 5
    assert max(map(len, names)) < 100
    assert not [name for name in names if " " in name or "#" in name or "\udce9" in name]


def test_a_link_has_the_name_that_people_see(tmp_path):
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "abc123.png").write_bytes(b"")
    (tmp_path / "nice.png").symlink_to(tmp_path / "store" / "abc123.png")
    (photo,) = collect_photos([tmp_path / "nice.png", tmp_path / "store" / "abc123.png"], tmp_path / "out")
    assert photo.name == "nice"
