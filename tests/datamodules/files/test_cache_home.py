"""Caches of users who have no home folder, or none that can be written."""

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from datamodules.errors import InputError
from datamodules.files import cache_home
from datamodules.files.cache_home import default_cache, provide_cache_home
from datamodules.readers.index_options import IndexOptions
from tests.runs import PROJECT

_VARIABLES = ("HOME", "XDG_CACHE_HOME", "MPLCONFIGDIR", "NUMBA_CACHE_DIR")


@pytest.fixture(autouse=True)
def _own_variables(tmp_path, monkeypatch):
    for name in _VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv(name, "x")  # so that it is restored
        monkeypatch.delenv(name)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()


@pytest.fixture
def without_entry(monkeypatch):
    """No HOME, and no entry for the user in the system's table."""

    def unknown(uid):
        raise KeyError(f"getpwuid(): uid not found: {uid}")

    monkeypatch.setattr("pwd.getpwuid", unknown)


def test_a_home_folder_is_used_as_it_is(tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    provide_cache_home()
    assert default_cache() == tmp_path / "home" / ".cache" / "weightmask"
    assert not {name for name in _VARIABLES if name in os.environ} - {"HOME"}
    assert not caplog.messages


def test_without_a_home_folder_caches_lie_in_a_temporary_one_of_this_user(without_entry, tmp_path, caplog):
    with pytest.raises(
        InputError, match=r"there is no home folder for the cache\. Set --data\.index\.cache_dir or XDG"
    ):
        default_cache()
    provide_cache_home()
    place = tmp_path / "temporary" / f"weightmask-{os.getuid()}"
    assert default_cache() == place / "weightmask"
    assert IndexOptions().cache == place / "weightmask"
    assert IndexOptions(cache_dir=tmp_path).cache == tmp_path
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    assert Path.home() == place
    assert os.environ["MPLCONFIGDIR"] == str(place / "matplotlib")
    (warning,) = caplog.messages
    assert str(place) in warning
    assert "XDG_CACHE_HOME" in warning
    provide_cache_home()  # as a child process does
    assert len(caplog.messages) == 1


def test_a_home_folder_that_cannot_be_written_is_not_written(tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("HOME", "/proc/nothing")  # refuses even the superuser
    provide_cache_home()
    assert default_cache().is_relative_to(tmp_path / "temporary")
    assert len(caplog.messages) == 1


def test_what_the_user_has_set_is_kept(without_entry, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "mine"))
    provide_cache_home()
    assert default_cache() == tmp_path / "mine" / "weightmask"
    assert "MPLCONFIGDIR" not in os.environ


def test_a_cache_in_a_home_folder_that_is_read_only_is_used(tmp_path, monkeypatch):
    (tmp_path / "home" / ".cache" / "weightmask").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    can_write = cache_home._can_write
    monkeypatch.setattr(cache_home, "_can_write", lambda folder: folder.name != ".cache" and can_write(folder))
    provide_cache_home()
    assert default_cache() == tmp_path / "home" / ".cache" / "weightmask"
    assert "MPLCONFIGDIR" in os.environ


def test_a_folder_that_others_could_have_filled_is_not_trusted(without_entry, tmp_path):
    place = tmp_path / "temporary" / f"weightmask-{os.getuid()}"
    place.mkdir()
    place.chmod(0o777)
    provide_cache_home()
    assert not default_cache().is_relative_to(place)
    for name in _VARIABLES:
        os.environ.pop(name, None)
    place.rmdir()
    place.symlink_to(tmp_path)
    provide_cache_home()
    assert not default_cache().is_relative_to(place)


def test_neither_home_nor_temporary_folder_is_one_line(without_entry, tmp_path):
    shutil.rmtree(tmp_path / "temporary")
    with pytest.raises(InputError, match=r"no temporary file can be written .*Set TMPDIR, or XDG_CACHE_HOME") as caught:
        provide_cache_home()
    assert "\n" not in str(caught.value)


@pytest.mark.slow
@pytest.mark.skipif(
    os.getuid() != 0 or shutil.which("setpriv") is None, reason="becomes another user, which only the superuser can"
)
def test_a_user_without_home_and_entry_can_draw_index_and_prepare(tmp_path):
    uid = 54321
    folder = tmp_path / "shared"
    folder.mkdir(mode=0o777)
    folder.chmod(0o777)
    # may read everything, so that the interpreter runs wherever it is installed, and write as any other user
    become = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups"]
    become += ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
    kept = {name: value for name, value in os.environ.items() if name not in (*_VARIABLES, "USER", "LOGNAME")}
    environment = {**kept, "TMPDIR": str(folder), "PYTHONPATH": str(PROJECT), "PYTHONDONTWRITEBYTECODE": "1"}

    def run(*arguments):
        return subprocess.run(
            [*become, sys.executable, *arguments],
            env=environment,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    refused = run("-c", f"open({str(PROJECT / 'written')!r}, 'w')")
    assert "PermissionError" in refused.stderr
    few = ("--data.synthetic.samples=2", "--data.synthetic.test_samples=1", "--data.synthetic.image_size=32")
    done = run(str(PROJECT / "run.py"), "prepare", *few, f"--out={folder / 'maps'}")
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.count("There is no home folder that can be written") == 1
    assert sorted(path.suffix for path in (folder / "maps").iterdir()) == [".jpg", ".jpg", ".npy", ".npy", ".npz"]
    private = folder / f"weightmask-{uid}"
    assert {path.name for path in private.iterdir()} >= {"weightmask", "numba"}
    assert len(list((private / "weightmask").glob("synthetic-*"))) == 2
