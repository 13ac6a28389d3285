"""Photographs and results are removed when they are replaced, and their number is limited."""

import os

import pytest

from datamodules.errors import InputError
from lightning_module.inference.demo.demo_pages import DemoPages
from lightning_module.inference.demo.limits import Limits


@pytest.fixture
def pages(tmp_path):
    return DemoPages(tmp_path, Limits(uploads=3, pages=2))


def _send(pages, name="me.jpg"):
    path = pages.uploads / os.urandom(4).hex() / name
    path.parent.mkdir()
    path.write_text("a face")
    return path


def _files(pages):
    return sorted(path.name for folder in (pages.uploads, pages.kept) for path in folder.rglob("*") if path.is_file())


def test_a_photograph_replaces_the_former_one(pages):
    page = pages.page("tab")
    page.take(_send(pages))
    page.take(_send(pages, "you.jpg"))
    assert _files(pages) == ["you.jpg"]
    (page.new_results() / "mesh.jpg").write_text("")
    page.clear()
    assert not _files(pages)


def test_results_stay_until_those_after_the_next_ones(pages):
    page = pages.page("tab")
    folders = [page.new_results() for _ in range(3)]
    assert [folder.is_dir() for folder in folders] == [False, True, True]


def test_a_page_that_is_closed_leaves_nothing(pages):
    pages.page("tab").take(_send(pages))
    pages.close("tab")
    pages.close("a page that never asked")
    assert not _files(pages)


def test_of_too_many_pages_the_one_used_least_recently_is_cleared(pages):
    for tab in "abac":
        if pages.page(tab).photo is None:
            pages.page(tab).take(_send(pages, f"{tab}.jpg"))
    assert _files(pages) == ["a.jpg", "c.jpg"]


def test_there_is_room_for_a_few_files_until_they_are_old(pages):
    sent = [_send(pages) for _ in range(2)]
    assert pages.has_room()
    sent.append(_send(pages))
    assert not pages.has_room()
    os.utime(sent[0], (0, 0))
    assert pages.has_room()
    assert not sent[0].exists()


@pytest.mark.parametrize(
    "place", ["/etc/passwd", "{uploads}/../secret", "{uploads}/link", "{uploads}/gone.jpg", "", "."]
)
def test_only_files_that_were_sent_are_taken(pages, tmp_path, place):
    (tmp_path / "secret").write_text("x")
    (pages.uploads / "link").symlink_to(tmp_path / "secret")
    with pytest.raises(InputError, match="Drop it again"):
        pages.sent(place.format(uploads=pages.uploads))
    assert pages.sent(str(_send(pages))).is_file()


def test_a_file_that_went_meanwhile_is_one_line(pages):
    path = _send(pages)
    path.unlink()
    with pytest.raises(InputError, match=r"me\.jpg: is no longer there .*Drop it again"):
        pages.page("tab").take(path)
