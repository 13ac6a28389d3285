"""Files that are complete or not there at all, also after a power cut."""

import os
from pathlib import Path

import pytest

from datamodules.files.atomic_files import flush_folder, put_in_place, whole_file, write_whole


@pytest.fixture
def order(monkeypatch):
    """What reaches the disk and what is renamed, in order; what is flushed has its final content."""
    calls = []
    names = {}
    open_file, fsync, replace = os.open, os.fsync, os.replace

    def opened(path, flags, *more, **options):
        handle = open_file(path, flags, *more, **options)
        names[handle] = Path(path)
        return handle

    def flushed(handle):
        path = names[handle]
        calls.append(("flush", path.name, path.read_bytes() if path.is_file() else None))
        fsync(handle)

    def renamed(old, new):
        calls.append(("rename", Path(new).name, None))
        replace(old, new)

    monkeypatch.setattr(os, "open", opened)
    monkeypatch.setattr(os, "fsync", flushed)
    monkeypatch.setattr(os, "replace", renamed)
    return calls


def test_a_file_has_its_name_only_when_it_is_whole(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("before")
    writing = whole_file(path)
    writing.__enter__().write_text("half")
    assert not writing.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)  # which goes on
    assert path.read_text() == "before"
    assert [file.name for file in tmp_path.iterdir()] == ["a.txt"]
    with whole_file(path) as partial:
        partial.write_text("after")
    assert path.read_text() == "after"
    assert not (tmp_path / ".a.txt").exists()


def test_a_file_is_on_the_disk_before_it_has_its_name_and_the_name_follows(order, tmp_path):
    write_whole(tmp_path / "a.txt", "grün")
    content = "grün".encode()
    assert order == [("flush", ".a.txt", content), ("rename", "a.txt", None), ("flush", tmp_path.name, None)]
    assert (tmp_path / "a.txt").read_bytes() == content


def test_a_folder_is_on_the_disk_before_it_has_its_name(order, tmp_path):
    (tmp_path / "new" / "b").mkdir(parents=True)
    (tmp_path / "new" / "a").write_text("1")
    (tmp_path / "new" / "b" / "c").write_text("2")
    flush_folder(tmp_path / "new")
    put_in_place(tmp_path / "new", tmp_path / "whole")
    assert {call[:2] for call in order[:4]} == {("flush", name) for name in ("a", "b", "c", "new")}
    assert [call[:2] for call in order[4:]] == [("flush", "new"), ("rename", "whole"), ("flush", tmp_path.name)]


def test_many_files_are_flushed_together(order, tmp_path):
    with whole_file(tmp_path / "a", is_flushed=False) as partial:
        partial.write_text("1")
    assert order == [("rename", "a", None)]


def test_a_file_system_that_flushes_by_itself_is_no_fault(tmp_path, monkeypatch):
    def refuse(handle):
        raise OSError(22, "Invalid argument")

    monkeypatch.setattr(os, "fsync", refuse)
    write_whole(tmp_path / "a", b"1")
    assert (tmp_path / "a").read_bytes() == b"1"


def test_what_the_disk_cannot_take_is_a_fault_and_the_old_file_stays(tmp_path, monkeypatch):
    (tmp_path / "a").write_bytes(b"before")

    def fail(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space"):
        write_whole(tmp_path / "a", b"after")
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("a", b"before")]
