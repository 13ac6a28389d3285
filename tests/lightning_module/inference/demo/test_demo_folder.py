"""What is left in the temporary folder by demos that end, that are killed, and that run."""

import os
import signal
import stat
import subprocess
import sys
import tempfile

import pytest

from datamodules.errors import InputError
from lightning_module.inference.demo.demo_folder import demo_folder
from tests.runs import PROJECT

_CODE = """
import sys
from lightning_module.inference.demo.demo_folder import demo_folder
with demo_folder() as folder:
    (folder / "photo.jpg").write_text("a face")
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def _own_temporary_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.fixture
def other(tmp_path):
    """Another demo, and its folder."""
    demo = subprocess.Popen(
        [sys.executable, "-c", _CODE],
        cwd=PROJECT,
        env=os.environ | {"TMPDIR": str(tmp_path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    folder = tmp_path / os.path.basename(demo.stdout.readline().strip())
    assert (folder / "photo.jpg").is_file()
    yield demo, folder
    demo.kill()
    demo.communicate()


def test_a_folder_is_private_and_goes_with_its_demo(tmp_path):
    with demo_folder() as folder:
        assert folder.parent == tmp_path
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        (folder / "photo.jpg").write_text("a face")
    assert not list(tmp_path.iterdir())


def test_what_a_killed_demo_left_goes_when_the_next_one_starts(other):
    demo, folder = other
    demo.send_signal(signal.SIGKILL)
    demo.wait()
    assert (folder / "photo.jpg").is_file()
    with demo_folder():
        assert not folder.exists()


def test_a_demo_that_runs_keeps_its_folder(other):
    _, folder = other
    with demo_folder() as own:
        assert own != folder
    assert (folder / "photo.jpg").is_file()


def test_links_of_others_are_not_followed(tmp_path):
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "letter.txt").write_text("dear")
    (tmp_path / "weightmask-demo-link").symlink_to(kept)
    with demo_folder():
        pass
    assert (kept / "letter.txt").is_file()


def test_a_temporary_folder_that_is_not_there_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    with pytest.raises(InputError, match=r"nowhere: cannot be written .*TMPDIR"), demo_folder():
        pass
