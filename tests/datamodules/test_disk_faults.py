"""Errors of the operating system that no file of ours foresees: one line that names the place and the remedy."""

import errno
import os
import shutil
from types import SimpleNamespace

import pytest

from datamodules.disk_faults import named_disk_faults
from datamodules.errors import InputError


def _line(error, arguments=()):
    with pytest.raises(InputError) as caught, named_disk_faults(arguments):
        raise error
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EIO])
def test_a_file_is_named(number):
    line = _line(OSError(number, os.strerror(number), "/data/a.bin"))
    assert line.startswith(f"/data/a.bin: cannot be read or written ({os.strerror(number)}). Make ")


def test_a_file_of_the_temporary_folder_names_its_variable(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    line = _line(PermissionError(errno.EACCES, "Permission denied", str(tmp_path / "x")))
    assert line.endswith("TMPDIR sets the temporary folder.")


def test_a_full_disk_without_a_name_is_found_among_the_folders_of_the_command_line(tmp_path, monkeypatch):
    def usage(place):
        return SimpleNamespace(free=0 if str(place) == str(tmp_path) else 2**40)

    monkeypatch.setattr(shutil, "disk_usage", usage)
    option = f"--tracking.folder={tmp_path / 'runs' / 'new'}"
    line = _line(OSError(errno.ENOSPC, "No space left on device"), ["fit", "--data.root=/", option])
    assert line.startswith(f"{option}: has no room (No space left on device)")


def test_a_full_disk_that_is_not_found_names_the_options(monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda place: SimpleNamespace(free=2**40))
    line = _line(OSError(errno.ENOSPC, "No space left on device"))
    for option in ("TMPDIR", "--data.index.cache_dir", "--tracking.folder", "--out"):
        assert option in line


def test_no_temporary_folder_at_all_names_the_variable():
    error = FileNotFoundError(2, "No usable temporary directory found in ['/tmp', '/var/tmp', '/usr/tmp', '/work']")
    assert "Set TMPDIR to a folder that can" in _line(error)


def test_the_error_of_a_worker_process_is_read_from_its_message():
    repeated = OSError(
        "Caught OSError in DataLoader worker process 0.\nTraceback ...\nOSError: [Errno 5] Input/output error: '/d/a.jpg'"
    )
    assert _line(repeated).startswith("/d/a.jpg: cannot be read or written (Input/output error)")


def test_too_many_open_files_are_said():
    assert "Too many open files" in _line(OSError(errno.EMFILE, "Too many open files"))


@pytest.mark.parametrize(
    "message",
    [
        "unable to write to file </torch_1_2>: No space left on device (28)\nunable to allocate shared memory(shm)",
        "DataLoader worker (pid 7) is killed by signal: Bus error. It is possible that ...",
    ],
)
def test_little_shared_memory_names_the_option_and_docker(message):
    line = _line(RuntimeError(message))
    assert "--data.num_workers 0" in line
    assert "--shm-size" in line


@pytest.mark.parametrize(
    "error", [FileNotFoundError(2, "gone", "/x"), RuntimeError("shapes"), ValueError("x"), ConnectionError("refused")]
)
def test_other_errors_stay_what_they_are(error):
    with pytest.raises(type(error)) as caught, named_disk_faults():
        raise error
    assert caught.value is error
