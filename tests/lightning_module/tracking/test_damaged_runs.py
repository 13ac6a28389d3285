"""Runs whose files are empty, cut, full of zeros or may only be read: they lose as little as can be, and harm no other."""

import errno
import json
import os
import shutil
import time

import pytest
from mlflow.tracking import MlflowClient

from lightning_module.tracking import delivery, journal, mlflow_store, uploader
from lightning_module.tracking.delivery import Delivery
from lightning_module.tracking.journal import Journal
from lightning_module.tracking.run_folder import RunFolder
from lightning_module.tracking.tracker import Tracker
from lightning_module.tracking.tracking_place import TrackingPlace
from tests.runs import mlflow_run


@pytest.fixture(scope="module")
def uri(tmp_path_factory, empty_store):
    return f"sqlite:///{shutil.copy(empty_store, tmp_path_factory.mktemp('store') / 'runs.db')}"


@pytest.fixture
def place(tmp_path, uri, monkeypatch):
    monkeypatch.setattr(uploader, "RETRY_SECONDS", 0.05)
    return TrackingPlace(uri, tmp_path, tmp_path.name)


@pytest.fixture
def folder(tmp_path):
    return RunFolder.create(tmp_path / "runs", "16-5-4-3-0 s0")


def _lines(folder):
    return [json.loads(line)["content"] for line in folder.journal.read_text().splitlines()]


@pytest.mark.parametrize(
    "state",
    [
        b"",
        b"\0" * 64,
        b'{"sent": 2, "ru',
        b"[]",
        b'{"sent": "two"}',
        b'{"sent": -1}',
        b"\xff",
        b'{"uri": "sqlite:///elsewhere/x.db", "digest": "00"}',
    ],
)
def test_progress_that_cannot_be_read_is_none(folder, state):
    Journal(folder).write("tags", a="1")
    (folder.path / "delivery.json").write_bytes(state)
    assert Journal(folder).delivery == Delivery()
    assert len(Journal(folder).pending()) == 1


@pytest.mark.parametrize(
    "damage",
    [
        b"\0" * 4096 + b"\n",
        b"{\n",
        b"5\n",
        b"[]\n",
        b"\xff\xfe\n",
        b'{"kind": "tags"}\n',
        b'{"kind": 1, "content": 2}\n',
    ],
)
def test_a_damaged_line_takes_no_other_with_it(folder, damage, caplog):
    Journal(folder).write("create", tags={"ratio": "1-1"})
    with folder.journal.open("ab") as file:
        file.write(damage)
    damaged = Journal(folder)
    damaged.write("tags", c="3")
    again = Journal(folder)
    assert [entry.kind for entry in again.pending()] == ["create", "tags"]
    assert [number for number, _ in again.unsent()] == [0, 2]
    assert again.damaged_lines == 1
    assert folder.tags() == {"ratio": "1-1", "c": "3"}


def test_zeros_that_a_power_cut_left_are_cut_off(folder):
    Journal(folder).write("tags", a="1")
    with folder.journal.open("ab") as file:
        file.write(b"\0" * 100)
    assert [entry.content for entry in Journal(folder).pending()] == [{"a": "1"}]
    Journal(folder).write("tags", b="2")
    assert _lines(folder) == [{"a": "1"}, {"b": "2"}]


def test_a_journal_that_lost_its_end_sends_what_is_written_after_that(folder):
    log = Journal(folder)
    for name in "abc":
        log.write("tags", **{name: "1"})
    log.delivered(Delivery(3, "run", "uri", waiting=(1, 2)))
    lines = folder.journal.read_bytes().splitlines(keepends=True)
    folder.journal.write_bytes(b"".join(lines[:2]))
    again = Journal(folder)
    again.write("tags", d="1")
    assert [entry.content for _, entry in again.unsent()] == [{"d": "1"}]
    assert [number for number, _ in again.waiting()] == [1]


def test_the_journal_is_on_disk_before_its_progress(folder, monkeypatch):
    order = []
    monkeypatch.setattr(journal, "flush", lambda path: order.append(path.name))
    monkeypatch.setattr(delivery, "write_whole", lambda path, text: order.append(path.name))
    Journal(folder).write("tags", a="1")
    Journal(folder).delivered(Delivery(1))
    assert order == ["journal.jsonl", "delivery.json"]


def test_a_full_disk_ends_no_training_and_loses_nothing_once_there_is_room(folder, monkeypatch, caplog):
    log = Journal(folder)
    log.write("tags", a="1")
    whole = type(folder.journal).open

    def full(self, *args, **options):
        file = whole(self, *args, **options)
        file.write(b'{"kind": "ta')  # as much as there was room for
        file.flush()
        file.close()
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(type(folder.journal), "open", full)
        log.write("tags", b="2")
        log.write("tags", c="3")
    assert caplog.text.count("cannot be written (No space left on device)") == 1
    assert len(log.pending()) == 3
    log.write("tags", d="4")
    assert _lines(folder) == [{"a": "1"}, {"b": "2"}, {"c": "3"}, {"d": "4"}]


def _harmed(place, how):
    """A run that is damaged in one way, with an end that is still to be sent."""
    tracker = Tracker(place, "harmed", {"command": "fit"})
    tracker.end("FINISHED")
    run = tracker.run
    state = json.loads((run.path / "delivery.json").read_text())
    (run.path / "delivery.json").write_text(json.dumps(state | {"sent": 1, "digest": None}))
    if how == "lock is a folder":
        (run.path / "lock").unlink()
        (run.path / "lock").mkdir()
    elif how == "journal is a folder":
        run.journal.unlink()
        run.journal.mkdir()
    elif how == "zeros in the journal":
        run.journal.write_bytes(b"\0" * 512 + b"\n" + run.journal.read_bytes())
    elif how == "unknown kinds and fields":
        run.journal.write_text(
            '{"kind": "metrics", "time_ms": 0, "content": {"values": [1]}}\n'
            '{"kind": "artifact", "time_ms": 0, "content": {"file": "../../secret", "to": ""}}\n'
            '{"kind": "songs", "time_ms": 0, "content": {}}\n' + run.journal.read_text()
        )
    return run


@pytest.mark.parametrize(
    "how",
    ["zeros in the journal", "unknown kinds and fields"]
    + [pytest.param(how, marks=pytest.mark.slow) for how in ("lock is a folder", "journal is a folder")],
)
def test_a_damaged_run_harms_no_other(place, how, monkeypatch, caplog):
    left = Tracker(place, "left", {})
    left.end("FINISHED")
    state = json.loads((left.run.path / "delivery.json").read_text())
    (left.run.path / "delivery.json").write_text(json.dumps(state | {"sent": 1, "digest": None}))
    MlflowClient(place.uri).update_run(left.run_id, status="RUNNING")
    _harmed(place, how)
    monkeypatch.setattr(uploader, "HEARTBEAT_SECONDS", 0.05)
    tracker = Tracker(place, "own", {})
    while tracker.run_id is None:
        time.sleep(0.02)
    client = MlflowClient(place.uri)
    client.set_tag(tracker.run_id, mlflow_store.HEARTBEAT, "0")
    deadline = time.monotonic() + 30
    while client.get_run(tracker.run_id).data.tags[mlflow_store.HEARTBEAT] == "0" and time.monotonic() < deadline:
        time.sleep(0.05)
    tracker.end("FINISHED")
    assert client.get_run(tracker.run_id).data.tags[mlflow_store.HEARTBEAT] != "0"
    assert client.get_run(left.run_id).info.status == "FINISHED"
    assert mlflow_run(tracker.run).info.status == "FINISHED"
    assert "cannot be reached" not in caplog.text


def test_a_run_without_its_first_line_still_arrives(place):
    tracker = Tracker(place, "name", {"ratio": "1-1"})
    tracker.log_metrics({"loss": 1.0}, 0)
    tracker.end("FINISHED")
    lines = tracker.run.journal.read_bytes().splitlines(keepends=True)
    tracker.run.journal.write_bytes(b"\0" * 10 + b"\n" + b"".join(lines[1:]))
    state = json.loads((tracker.run.path / "delivery.json").read_text())
    (tracker.run.path / "delivery.json").write_text(json.dumps({"uri": state["uri"], "folder": state["folder"]}))
    MlflowClient(place.uri).set_tag(tracker.run_id, "weightmask.key", "another")
    Tracker(place, "next", {}).end("FINISHED")
    run = mlflow_run(tracker.run)
    assert run.info.run_id != tracker.run_id
    assert (run.info.run_name, run.data.metrics, run.info.status) == (tracker.run.key, {"loss": 1.0}, "FINISHED")
