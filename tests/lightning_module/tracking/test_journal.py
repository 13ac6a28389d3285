import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from datamodules.errors import InputError
from lightning_module.tracking import run_folder
from lightning_module.tracking.delivery import Delivery
from lightning_module.tracking.journal import Journal
from lightning_module.tracking.run_folder import RunFolder, newest_fit, run_folders

PROJECT = Path(__file__).resolve().parents[3]


@pytest.fixture
def folder(tmp_path):
    return RunFolder.create(tmp_path, "16-5-4-3-0 s0")


def test_what_is_written_is_there_after_a_restart(folder):
    Journal(folder).write("metrics", values={"val/loss": 1.5}, step=3)
    (entry,) = Journal(folder).pending()
    assert (entry.kind, entry.content) == ("metrics", {"values": {"val/loss": 1.5}, "step": 3})


def test_what_was_sent_is_not_sent_again(folder):
    journal = Journal(folder)
    journal.write("tags", a="1")
    journal.write("tags", b="2")
    journal.delivered(Delivery(1, "run", "uri"))
    again = Journal(folder)
    assert [entry.content for entry in again.pending()] == [{"b": "2"}]
    assert again.delivery == Delivery(1, "run", "uri")


def test_a_line_cut_off_by_a_kill_is_dropped_and_the_next_one_stands_alone(folder):
    journal = Journal(folder)
    journal.write("tags", a="ü")
    with folder.journal.open("a") as file:
        file.write('{"kind": "tags", "time_ms": 1, "content": {"b": "ü')
    again = Journal(folder)
    again.write("tags", c="3")
    assert [json.loads(line)["content"] for line in folder.journal.read_text().splitlines()] == [{"a": "ü"}, {"c": "3"}]


def test_not_a_number_survives(folder):
    Journal(folder).write("metrics", values={"loss": float("nan")}, step=0)
    assert Journal(folder).pending()[0].content["values"]["loss"] != 0


def _run(path, command="fit"):
    folder = RunFolder(path)
    folder.path.mkdir()
    folder.config.write_text("")
    Journal(folder).write("create", tags={"command": command})
    return folder


def test_the_newest_fit_goes_on(tmp_path):
    old, new = _run(tmp_path / "20260101-000000-a"), _run(tmp_path / "20260102-000000-b")
    judged = _run(tmp_path / "20260103-000000-test", "test")
    (tmp_path / "stray").mkdir()
    assert [folder.key for folder in run_folders(tmp_path)] == [judged.key, new.key, old.key]
    assert newest_fit(tmp_path) == new
    assert newest_fit(tmp_path / "nothing") is None


def test_a_run_that_somebody_is_busy_with_is_not_passed_over_for_an_older_one(tmp_path, monkeypatch):
    monkeypatch.setattr(run_folder, "_BUSY_SECONDS", 0.2)
    _run(tmp_path / "20260101-000000-a")
    with _run(tmp_path / "20260102-000000-b").lock(), pytest.raises(InputError, match="busy with the newest run"):
        newest_fit(tmp_path)


def test_a_run_killed_while_it_wrote_its_first_line_is_no_fit(tmp_path):
    folder = _run(tmp_path / "20260101-000000-a")
    folder.journal.write_text('{"kind": "cre')
    assert newest_fit(tmp_path) is None


def test_a_lock_ends_with_its_process_though_its_forked_workers_live_on(tmp_path):
    folder = _run(tmp_path / "20260101-000000-a")
    code = (
        "import os, sys, time; from pathlib import Path; from lightning_module.tracking.run_folder import RunFolder\n"
        f"lock = RunFolder(Path({str(folder.path)!r})).lock()\n"
        "os.fork() and time.sleep(20)\n"
        "print('locked', flush=True); time.sleep(20)"  # by the worker, which has let go of its copy by then
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, start_new_session=True, cwd=PROJECT
    )
    process.stdout.readline()
    assert folder.lock() is None
    process.kill()
    process.wait()
    lock = folder.lock()
    assert lock is not None
    lock.close()
    os.killpg(process.pid, signal.SIGKILL)
    process.stdout.close()


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"--tracking\.folder"):
        RunFolder.create(tmp_path / "file", "name")


def test_a_checkpoint_knows_its_run_while_it_lies_in_it(folder, tmp_path):
    Journal(folder).write("create")
    assert RunFolder.of_checkpoint(folder.last_checkpoint).key == folder.key
    assert RunFolder.of_checkpoint(tmp_path / "elsewhere" / "last.ckpt") is None
