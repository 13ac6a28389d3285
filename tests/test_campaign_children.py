"""The campaign's children: how each end is judged, what they write, and how their writing fails."""

import errno
import os
import signal
import sqlite3
import time
from pathlib import Path

import numpy as np
import pytest

from benchmarks.faults.disk_faults_shim import failing_place, limited_files, note_places
from benchmarks.faults.forked_job import Ending, ForkedJob, Job
from benchmarks.faults.scheduler import MOST_BYTES, command_job, faults_of
from benchmarks.faults.slots import Slot
from benchmarks.faults.written_paths import watch_writes
from datamodules.files.images import write_png
from datamodules.files.mat import read_mat
from lightning_module.tracking.liveness import is_running, process_name

IMAGE = np.zeros((2, 2, 3), np.uint8)


def ended(job):
    child = ForkedJob(job)
    while (ending := child.poll()) is None:
        os.sched_yield()
    return ending


def in_child(function, **options):
    """The ending of a child that calls a function, which may take notes."""

    def run(note):
        function(note)
        return 0

    return ended(Job(run, **options))


@pytest.fixture
def slot(tmp_path):
    slot = Slot(tmp_path / "slot-0")
    slot.restore()
    return slot


def kinds(ending, slot):
    return {fault.kind for fault in faults_of(ending, slot)}


def test_a_traceback_is_a_fault_with_its_innermost_line(slot):
    ending = in_child(lambda note: read_mat(None))
    (fault,) = faults_of(ending, slot)
    assert ending.code == 1
    assert (fault.kind, fault.place.partition(":")[0]) == (
        "traceback",
        "AttributeError at datamodules/files/file_content.py",
    )


def test_a_signal_a_hang_and_a_silent_exit_are_faults(slot):
    assert kinds(in_child(lambda note: os.kill(os.getpid(), signal.SIGUSR1)), slot) == {"signal"}
    assert kinds(in_child(lambda note: signal.pause(), limit_s=0.1), slot) == {"hang"}
    assert kinds(ended(Job(lambda note: 3)), slot) == {"exit"}


def test_a_user_error_and_a_kill_on_purpose_are_no_faults(slot):
    assert not faults_of(ended(Job(lambda note: 2)), slot)
    killed = in_child(lambda note: signal.pause(), kill_after_s=0.05)
    assert killed.is_killed
    assert killed.signal == signal.SIGKILL
    assert not faults_of(killed, slot)


def test_a_kill_ends_the_processes_that_a_child_has_started():
    def start(note):
        if os.fork() == 0:
            os.setsid()
            note("pid", str(os.getpid()))
            signal.pause()
        signal.pause()

    ending = in_child(start, kill_after_s=0.2)
    ((_, pid),) = ending.notes
    deadline = time.monotonic() + 5
    while is_running(process_name(int(pid))):
        assert time.monotonic() < deadline


def test_memory_beyond_two_gigabytes_is_a_fault(slot):
    assert kinds(Ending(0, 0, 1.0, MOST_BYTES + 1, ""), slot) == {"memory"}
    assert ended(Job(lambda note: 0)).peak_bytes < MOST_BYTES


def test_what_is_written_is_seen_and_what_is_read_is_not(tmp_path):
    (tmp_path / "old").write_text("x")

    def write(note):
        watch_writes(lambda event, paths, place: note(event, ",".join(Path(path).name for path in paths)))
        (tmp_path / "old").read_text()
        (tmp_path / "new").write_text("x")
        (tmp_path / "folder").mkdir()
        (tmp_path / "new").rename(tmp_path / "other")
        sqlite3.connect(tmp_path / "a.db").close()
        os.remove("other", dir_fd=os.open(tmp_path, os.O_RDONLY))

    assert in_child(write).notes == [
        ("open", "new"),
        ("os.mkdir", "folder"),
        ("os.rename", "new,other"),
        ("sqlite3.connect", "a.db"),
        ("os.remove", "other"),
    ]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS])
def test_each_place_of_writing_can_fail(code, tmp_path):
    def write(patch):
        patch()
        for _ in range(2):
            try:
                write_png(tmp_path / "a.png", IMAGE)
                print("written")
            except OSError as error:
                print(error.errno)

    ((kind, place),) = in_child(lambda note: write(note_places(note))).notes
    assert kind == "place"
    assert place.startswith("datamodules/files/images.py:")
    assert place.endswith(" open .png")
    said = in_child(lambda note: write(failing_place(place, code))).output.split()
    assert said == [str(code), "written" if code == errno.ENOSPC else str(code)]  # space may return
    assert in_child(lambda note: write(failing_place("elsewhere", code))).output.split() == ["written"] * 2


def test_files_beyond_a_size_fail_whoever_writes_them(tmp_path):
    def write(note):
        limited_files(10)()
        (tmp_path / "a").write_bytes(b"x" * 11)

    assert "File too large" in in_child(write).output


def test_a_command_that_writes_elsewhere_is_found(slot, monkeypatch):
    import run

    def write(args=None):
        (slot.given / "a").write_text("a")
        (Path.home() / "b").write_text("b")

    monkeypatch.setattr(run, "main", write)
    ending = ended(command_job(slot, lambda: ["prepare"]))
    assert ending.code == 0
    assert kinds(ending, slot) == {"outside"}
    assert all("/home/b" in fault.place + fault.detail for fault in faults_of(ending, slot))
