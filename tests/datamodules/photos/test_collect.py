"""Which photographs are meant."""

import pytest

from datamodules.errors import InputError
from datamodules.photos.collect import collect_photos


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
    with pytest.raises(InputError, match="no photographs there"):
        collect_photos([album / "empty"], album / "out")
