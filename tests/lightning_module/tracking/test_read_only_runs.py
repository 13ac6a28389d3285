"""Runs that may only be read, cannot be locked, or cannot be entered."""

import errno
import fcntl
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from datamodules.errors import InputError
from datamodules.files import file_locks
from lightning_module.tracking.journal import Journal
from lightning_module.tracking.run_folder import RunFolder, newest_fit, run_folders
from tests.runs import PROJECT


@pytest.fixture
def folder(tmp_path):
    return RunFolder.create(tmp_path / "runs", "16-5-4-3-0 s0")


def test_a_lock_that_is_a_folder_is_told_in_one_line_and_tests_make_a_run_of_their_own(folder):
    (folder.path / "lock").mkdir()
    with pytest.raises(InputError, match=r"lock: is a folder where a file must be that locks the run\. Remove it"):
        folder.lock()
    assert folder.is_busy()


def test_where_the_file_system_has_no_locks_a_run_is_not_called_busy(folder, monkeypatch, caplog):
    def refuse(file, operation):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    monkeypatch.setattr(file_locks, "_warned", set())
    assert not folder.is_busy()
    assert "the file system has no locks" in caplog.text


_AS_NOBODY = """
import os, sys
from pathlib import Path
from lightning_module.tracking.run_folder import RunFolder, newest_fit
from lightning_module.tracking.uploader import _idle_journal
run = Path(sys.argv[1])
os.setgid(65534); os.setuid(65534)
try:
    (run / "new").write_text("")
except PermissionError:
    print("refused")
folder = RunFolder(run)
print(folder.is_busy(), newest_fit(run.parent).key == run.name, folder.tags())
with _idle_journal(folder) as (journal, is_locked):
    print(len(journal.pending()), is_locked)
try:
    folder.lock()
except ValueError as error:
    print(error)
"""


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user, which only root may")
def test_a_run_that_may_only_be_read_is_read_and_nothing_is_added_to_it():
    with TemporaryDirectory() as open_folder:  # pytest's own may be entered by its user only
        os.chmod(open_folder, 0o755)
        folder = RunFolder.create(Path(open_folder) / "runs", "name")
        folder.config.write_text("")
        Journal(folder).write("create", tags={"command": "fit"})
        os.chmod(folder.path, 0o555)
        done = subprocess.run(
            [sys.executable, "-c", _AS_NOBODY, str(folder.path)],
            cwd=PROJECT,
            capture_output=True,
            text=True,
            check=True,
        )
    first, asked, pending, fault = done.stdout.splitlines()
    assert first == "refused"
    assert asked == "True True {'command': 'fit'}"
    assert pending == "1 False"
    assert fault.startswith(
        f"{folder.path}: cannot be written (Permission denied), so nothing can be added to the run."
    )


def test_a_name_that_is_too_long_for_a_folder_is_shortened_there(tmp_path):
    folder = RunFolder.create(tmp_path, 'é/"' * 200)
    assert folder.path.is_dir()
    assert len(folder.key.encode()) < 255
    assert set(folder.key) <= set("é-0123456789abcdef")


def test_a_folder_that_cannot_be_entered_is_passed_over(tmp_path, monkeypatch):
    folder = RunFolder.create(tmp_path, "name")
    folder.config.write_text("")
    Journal(folder).write("create", tags={"command": "fit"})
    (tmp_path / "99990101-000000-closed").mkdir()
    whole = os.stat

    def closed(path, *args, **options):
        if "closed/" in str(path):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return whole(path, *args, **options)

    monkeypatch.setattr(os, "stat", closed)
    assert list(run_folders(tmp_path)) == [folder]
    assert newest_fit(tmp_path) == folder
