"""Locks that make processes wait, and file systems that have none, played by a shim."""

import errno
import fcntl
import logging

import pytest

from datamodules.files import file_locks
from datamodules.files.file_locks import lock, locked
from datamodules.synthetic.faces_on_disk import SyntheticSettings, make_data_set


@pytest.fixture(params=[errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS])
def without_locks(request, monkeypatch):
    """A file system that refuses every lock."""

    def refuse(file, operation):
        raise OSError(request.param, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    monkeypatch.setattr(file_locks, "_warned", set())


def test_a_file_that_is_locked_is_busy_until_it_is_closed(tmp_path):
    path = tmp_path / "lock"
    with path.open("w") as one, path.open("w") as other:
        with locked(path), pytest.raises(BlockingIOError):
            lock(other, path, waits=False)
        lock(one, path, waits=False)
        with pytest.raises(BlockingIOError):
            lock(other, path, waits=False)


def test_without_locks_all_goes_on_after_one_warning_that_names_the_folder(without_locks, tmp_path, caplog):
    caplog.set_level(logging.WARNING)
    for _ in range(2):
        with locked(tmp_path / "lock"):
            pass
    with (tmp_path / "other").open("w") as file:
        lock(file, tmp_path / "other", waits=False)
    (warning,) = caplog.messages
    assert warning.startswith(f"{tmp_path}: the file system has no locks")


def test_faces_are_drawn_without_locks(without_locks, tmp_path):
    assert make_data_set(SyntheticSettings(2, image_size=32), tmp_path / "faces") == 2


def test_other_faults_of_a_lock_are_not_hidden(tmp_path, monkeypatch):
    def fail(file, operation):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(fcntl, "flock", fail)
    with pytest.raises(OSError, match="Input/output error"), locked(tmp_path / "lock"):
        pass
