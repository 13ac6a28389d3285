import os
import shutil
import subprocess
import sys
import time

import pytest
from mlflow.tracking import MlflowClient

from datamodules.errors import InputError
from lightning_module.tracking import mlflow_store, tracker, uploader
from lightning_module.tracking.journal import Journal
from lightning_module.tracking.mlflow_store import MlflowStore
from lightning_module.tracking.tracker import Tracker
from lightning_module.tracking.tracking_place import TrackingPlace
from tests.runs import mlflow_run
from tests.servers import MlflowServer


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(uploader, "RETRY_SECONDS", 0.05)


@pytest.fixture
def uri(tmp_path, empty_store):
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    return f"sqlite:///{tmp_path / 'mlflow.db'}"


def _tracker(tmp_path, uri, resume=None):
    return Tracker(TrackingPlace(uri, tmp_path, "experiment"), "16-5-4-3-0 s0", {"ratio": "16-5-4-3-0"}, resume)


def _break(monkeypatch):
    """The tracking store is away until the returned function is called."""
    whole = MlflowStore.client

    def fail(self):
        raise ConnectionError("nobody is there")

    monkeypatch.setattr(MlflowStore, "client", property(fail))
    return lambda: monkeypatch.setattr(MlflowStore, "client", whole)


def test_all_kinds_of_entries_arrive(tmp_path, uri):
    tracker = _tracker(tmp_path, uri)
    tracker.log_params({f"p{i}": i for i in range(150)})
    tracker.log_metrics({"val/loss": 2.0, "val/nme/mean": float("nan")}, step=7)
    (tracker.run.path / "note.txt").write_text("hello")
    tracker.log_file(tracker.run.path / "note.txt", "notes")
    tracker.log_file(tracker.run.path / "gone.txt")
    tracker.end("FINISHED")
    run = mlflow_run(tracker.run)
    assert (run.info.status, run.info.run_name, len(run.data.params)) == ("FINISHED", "16-5-4-3-0 s0", 150)
    assert run.data.metrics["val/loss"] == 2
    (artifact,) = MlflowClient(uri).list_artifacts(run.info.run_id, "notes")
    assert artifact.path == "notes/note.txt"
    assert tracker.name == "experiment"
    assert tracker.version == tracker.run.key


def test_a_store_that_is_away_holds_nothing_up_and_gets_all_of_it_later(tmp_path, uri, monkeypatch, caplog):
    repair = _break(monkeypatch)
    tracker = _tracker(tmp_path, uri)
    start = time.monotonic()
    for step in range(100):
        tracker.log_metrics({"loss": float(step)}, step)
    assert time.monotonic() - start < 2
    repair()
    deadline = time.monotonic() + 30
    while tracker._journal.pending() and time.monotonic() < deadline:
        time.sleep(0.05)
    tracker.end("FINISHED")
    assert "cannot be reached (nobody is there)" in caplog.text
    assert "can be reached again" in caplog.text
    history = MlflowClient(uri).get_metric_history(tracker.run_id, "loss")
    assert [metric.value for metric in history] == list(range(100))


def test_what_a_run_could_not_send_the_next_run_sends(tmp_path, uri, monkeypatch, caplog):
    repair = _break(monkeypatch)
    lost = _tracker(tmp_path, uri)
    lost.log_metrics({"loss": 1.0}, 0)
    lost.end("FINISHED")
    assert "could not be uploaded" in caplog.text
    repair()
    _tracker(tmp_path, uri).end("FINISHED")
    run = mlflow_run(lost.run)
    assert (run.info.status, run.data.metrics) == ("FINISHED", {"loss": 1.0})


def test_what_was_meant_for_one_store_never_goes_to_another(tmp_path, uri, monkeypatch):
    repair = _break(monkeypatch)
    lost = _tracker(tmp_path, uri)
    lost.end("FINISHED")
    repair()
    shutil.copy(tmp_path / "mlflow.db", tmp_path / "other.db")
    _tracker(tmp_path, f"sqlite:///{tmp_path / 'other.db'}").end("FINISHED")
    assert Journal(lost.run).pending()


def test_a_run_goes_on_in_the_store_it_began_in(tmp_path, uri, caplog):
    first = _tracker(tmp_path, uri)
    first.end("KILLED")
    second = _tracker(tmp_path, f"sqlite:///{tmp_path / 'other.db'}", first.run)
    second.log_metrics({"loss": 1.0}, 0)
    second.end("FINISHED")
    assert "continues in" in caplog.text
    assert mlflow_run(first.run, uri).data.metrics == {"loss": 1.0}


def test_a_refused_entry_does_not_block_the_others(tmp_path, uri, caplog):
    tracker = _tracker(tmp_path, uri)
    tracker.log_params({"p": 1})
    tracker.log_params({"p": 2})  # MLflow never changes a parameter
    tracker.log_metrics({"loss": 1.0}, 0)
    tracker.end("FINISHED")
    assert "refused a params entry" in caplog.text
    assert mlflow_run(tracker.run).data.metrics == {"loss": 1.0}


def test_a_run_that_goes_on_is_the_same_run(tmp_path, uri):
    first = _tracker(tmp_path, uri)
    first.end("KILLED", "stopped by a signal")
    run_id = first.run_id
    second = _tracker(tmp_path, uri, first.run)
    second.log_metrics({"loss": 1.0}, 0)
    second.end("FINISHED")
    assert second.run_id == run_id
    assert mlflow_run(first.run).info.status == "FINISHED"


def test_a_run_is_created_once_though_it_was_killed_before_that_was_taken_down(tmp_path, uri):
    first = _tracker(tmp_path, uri)
    first.end("FINISHED")
    (first.run.path / "delivery.json").unlink()
    _tracker(tmp_path, uri).end("FINISHED")
    experiment = MlflowClient(uri).get_experiment_by_name("experiment")
    assert len(MlflowClient(uri).search_runs([experiment.experiment_id])) == 2


def test_two_processes_cannot_write_one_run(tmp_path, uri):
    first = _tracker(tmp_path, uri)
    with pytest.raises(InputError, match="another process is busy"):
        _tracker(tmp_path, uri, first.run)
    first.end("FINISHED")


def _orphan(uri, **signs):
    """A run that says it is running."""
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name("experiment").experiment_id
    tags = mlflow_store.signs_of_life() | {f"weightmask.{name}": str(value) for name, value in signs.items()}
    return client.create_run(experiment, tags=tags).info.run_id


def test_only_runs_that_were_killed_are_marked_so(tmp_path, uri):
    _tracker(tmp_path, uri).end("FINISHED")
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    long_ago = time.time() - 3600
    killed = [
        _orphan(uri, process=dead.pid),
        _orphan(uri, process=f"{os.getpid()} 1"),  # the number was given out again
        _orphan(uri, host="elsewhere", heartbeat=long_ago),
    ]
    alive = [
        _orphan(uri),
        _orphan(uri, heartbeat=long_ago),  # its process lives; the store was away
        _orphan(uri, host="elsewhere", process=dead.pid),
        MlflowClient(uri).create_run(MlflowClient(uri).get_experiment_by_name("experiment").experiment_id).info.run_id,
    ]
    _tracker(tmp_path, uri).end("FINISHED")
    status = [[MlflowClient(uri).get_run(run).info.status for run in runs] for runs in (killed, alive)]
    assert status == [["KILLED"] * 3, ["RUNNING"] * 4]


def test_a_run_killed_before_it_was_known_to_mlflow_is_marked_killed(tmp_path, uri, monkeypatch):
    repair = _break(monkeypatch)
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    signs = mlflow_store.signs_of_life() | {"weightmask.process": str(dead.pid)}
    monkeypatch.setattr(tracker, "signs_of_life", lambda: signs)
    killed = _tracker(tmp_path, uri)
    killed._uploader.close()
    killed._lock.close()
    repair()
    monkeypatch.undo()
    _tracker(tmp_path, uri).end("FINISHED")
    assert mlflow_run(killed.run).info.status == "KILLED"


def test_a_killed_run_that_goes_on_forgets_that_it_was_killed(tmp_path, uri):
    first = _tracker(tmp_path, uri)
    first.end("KILLED", "stopped by a signal")
    MlflowClient(uri).set_tag(first.run_id, mlflow_store.HEARTBEAT, str(time.time() - 3600))
    _tracker(tmp_path, uri, first.run).end("FINISHED")
    run = mlflow_run(first.run)
    assert run.info.status == "FINISHED"
    assert "ended_by" not in run.data.tags


def test_a_long_run_shows_its_heartbeat(tmp_path, uri, monkeypatch):
    monkeypatch.setattr(uploader, "HEARTBEAT_SECONDS", 0.1)
    tracker = _tracker(tmp_path, uri)
    while tracker.run_id is None:
        time.sleep(0.05)

    def last_beat():
        return float(MlflowClient(uri).get_run(tracker.run_id).data.tags[mlflow_store.HEARTBEAT])

    first = last_beat()
    time.sleep(2.5)
    assert last_beat() > first
    tracker.end("FINISHED")


@pytest.mark.slow
def test_a_server_that_is_killed_during_a_run_gets_all_of_it_when_it_is_back(tmp_path, free_port):
    server = MlflowServer(tmp_path, free_port)
    server.start()
    uri = server.url
    tracker = _tracker(tmp_path, uri)
    tracker.log_metrics({"loss": 0.0}, 0)
    while tracker._journal.pending():
        time.sleep(0.1)
    server.kill()
    start = time.monotonic()
    for step in range(1, 50):
        tracker.log_metrics({"loss": float(step)}, step)
    (tracker.run.path / "picture.png").write_bytes(b"png")
    tracker.log_file(tracker.run.path / "picture.png", "pictures")
    assert time.monotonic() - start < 1
    server.start()
    tracker.end("FINISHED")
    try:
        run = mlflow_run(tracker.run)
        assert run.info.status == "FINISHED"
        assert len(MlflowClient(uri).get_metric_history(run.info.run_id, "loss")) == 50
        assert [a.path for a in MlflowClient(uri).list_artifacts(run.info.run_id, "pictures")] == [
            "pictures/picture.png"
        ]
    finally:
        server.kill()
