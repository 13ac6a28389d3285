"""The SQLite file of a tracking store: made whole or not at all, and found again where its folder goes."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient
from mlflow.tracking._tracking_service import utils as mlflow_tracking

from datamodules.addresses import sqlite_address
from datamodules.errors import InputError
from lightning_module.tracking.local_database import make_ready
from lightning_module.tracking.mlflow_store import MlflowStore
from lightning_module.tracking.tracker import Tracker
from lightning_module.tracking.tracking_place import TrackingOptions
from tests.runs import PROJECT, mlflow_run

_PREPARE = (
    "import sys; from pathlib import Path; from lightning_module.tracking.mlflow_store import MlflowStore\n"
    "folder = Path(sys.argv[1]); store = MlflowStore(f'sqlite:///{folder / \"mlflow.db\"}', folder / 'artifacts')\n"
    "print('imported', flush=True); sys.stdin.read(1); store.prepare(); print('prepared', flush=True)"
)


def _preparing(folder):
    """A process that is about to make a database, and waits for a sign."""
    process = subprocess.Popen(
        [sys.executable, "-c", _PREPARE, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=PROJECT
    )
    assert process.stdout.readline() == b"imported\n"
    return process


def _change(path, *statements):
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def _prepare(folder):
    MlflowStore(sqlite_address(folder / "mlflow.db"), folder / "artifacts").prepare()


@pytest.mark.slow
def test_two_processes_make_one_database(tmp_path):
    processes = [_preparing(tmp_path) for _ in range(2)]
    for process in processes:
        process.stdin.write(b"x")
        process.stdin.close()
    assert [process.wait(120) for process in processes] == [0, 0]
    for process in processes:
        process.stdout.close()
    _prepare(tmp_path)


def test_two_threads_make_one_database(tmp_path):
    tmp_path, faults = tmp_path / "a?b", []
    tmp_path.mkdir()
    (tmp_path / "mlflow.db").touch()  # as a power cut may leave it

    def make():
        try:
            make_ready(tmp_path / "mlflow.db", tmp_path / "artifacts")
        except Exception as error:  # noqa: BLE001  # of any kind
            faults.append(error)

    threads = [threading.Thread(target=make) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
    _prepare(tmp_path)
    assert [path.name for path in tmp_path.parent.iterdir()] == ["a?b"]
    experiment = MlflowClient(sqlite_address(tmp_path / "mlflow.db")).get_experiment("0")
    assert experiment.artifact_location == f"{(tmp_path / 'artifacts').as_uri()}/0"


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0.05, 0.3, 0.6, 0.9, 1.2, 1.8])
def test_a_process_that_is_killed_while_it_makes_a_database_leaves_none_or_a_whole_one(tmp_path, seconds):
    process = _preparing(tmp_path)
    process.stdin.write(b"x")
    process.stdin.flush()
    time.sleep(seconds)
    process.kill()
    process.communicate()
    assert process.returncode in (0, -signal.SIGKILL)
    if (tmp_path / "mlflow.db").exists():
        MlflowClient(sqlite_address(tmp_path / "mlflow.db")).search_experiments(max_results=1)
    _prepare(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"mlflow.db", ".mlflow.db.lock"}


def test_a_database_that_was_half_made_and_holds_no_run_is_made_anew(tmp_path, empty_store, caplog):
    path = shutil.copy(empty_store, tmp_path / "mlflow.db")
    _change(
        path, "DROP TABLE alembic_version", "CREATE TABLE _alembic_tmp_metrics (key TEXT)", "DROP TABLE latest_metrics"
    )
    _prepare(tmp_path)
    assert "holds no run and cannot be opened" in caplog.text
    (aside,) = tmp_path.glob("mlflow.db.*")
    assert aside.stat().st_size > 0


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ("CREATE TABLE _alembic_tmp_metrics (key TEXT)", "a change of its schema was interrupted.*Put a backup"),
        ("UPDATE alembic_version SET version_num = 'abc'", "another version of MLflow.*mlflow db upgrade 'sqlite:///"),
    ],
)
def test_a_database_that_mlflow_cannot_open_is_left_alone_and_told_in_one_line(tmp_path, empty_store, change, fault):
    path = shutil.copy(empty_store, tmp_path / "mlflow.db")
    _change(path, "INSERT INTO runs (run_uuid, experiment_id) VALUES ('a', 0)", change)
    before = path.read_bytes()
    with pytest.raises(InputError, match=fault) as caught:
        _prepare(tmp_path)
    with pytest.raises(InputError, match=fault):
        Tracker(TrackingOptions(uri=f"sqlite:///{path}", folder=tmp_path).place(tmp_path), "name", {})
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == before
    assert not (tmp_path / "runs").exists()


def test_a_file_that_is_no_database_is_left_alone(tmp_path):
    (tmp_path / "mlflow.db").write_text("dear all" * 200)
    with pytest.raises(InputError, match="is no database, or a damaged one"):
        _prepare(tmp_path)
    assert (tmp_path / "mlflow.db").read_text() == "dear all" * 200


_OTHER_NAMES = [pytest.param(name, marks=pytest.mark.slow) for name in ("run?lr=1", "100% no. #1", "ä 'é'")]


@pytest.mark.parametrize("name", ["a?b %3F", *_OTHER_NAMES])
def test_a_folder_of_any_name_keeps_its_own_database(tmp_path, empty_store, name, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / name
    folder.mkdir()
    shutil.copy(empty_store, folder / "mlflow.db")  # as `make_ready` makes it
    place = TrackingOptions(folder=folder).place(tmp_path)
    tracker = Tracker(place, "name", {})
    (tracker.run.path / "note.txt").write_text("hello")
    tracker.log_file(tracker.run.path / "note.txt", "notes")
    tracker.end("FINISHED")
    run = mlflow_run(tracker.run)
    assert run.info.status == "FINISHED"
    assert (folder / "artifacts" / run.info.run_id / "artifacts" / "notes" / "note.txt").read_text() == "hello"
    assert [path.name for path in tmp_path.iterdir()] == [name]
    with closing(sqlite3.connect(folder / "mlflow.db")) as connection:
        assert connection.execute("SELECT COUNT(*) FROM runs").fetchone() == (1,)


def _picture(place, run_id, to):
    mlflow_tracking._artifact_repos_cache.clear()  # which another process does not share
    return Path(MlflowClient(place.uri).download_artifacts(run_id, "picture.png", str(to))).read_text()


@pytest.mark.parametrize("is_copied", [True, False])
def test_pictures_follow_a_folder_that_is_moved_or_copied(tmp_path, empty_store, is_copied, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    before, after = tmp_path / "before", tmp_path / "no. 2, 100%"
    before.mkdir()
    shutil.copy(empty_store, before / "mlflow.db")
    tracker = Tracker(TrackingOptions(folder=before).place(tmp_path), "name", {})
    (tracker.run.path / "picture.png").write_text("old")
    tracker.log_file(tracker.run.path / "picture.png")
    tracker.end("FINISHED")
    (shutil.copytree if is_copied else shutil.move)(before, after)
    (after / "artifacts" / tracker.run_id / "artifacts" / "picture.png").write_text("here")
    place = TrackingOptions(folder=after).place(tmp_path)
    MlflowStore(place.uri, place.artifacts).prepare()
    assert _picture(place, tracker.run_id, tmp_path) == "here"
    location = MlflowClient(place.uri).get_experiment_by_name("weightmask").artifact_location
    assert location == place.artifacts.as_uri()
    if is_copied:
        assert _picture(TrackingOptions(folder=before).place(tmp_path), tracker.run_id, tmp_path) == "old"


def test_artifacts_that_were_told_to_lie_elsewhere_stay_there(tmp_path, empty_store):
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    locations = [tmp_path / "disk" / "artifacts", tmp_path / "disk" / "pictures"]
    os.makedirs(locations[0])
    client = MlflowClient(sqlite_address(tmp_path / "mlflow.db"))
    experiments = [client.create_experiment(path.name, path.as_uri()) for path in locations]
    remote = client.create_experiment("remote", "s3://bucket/artifacts")
    make_ready(tmp_path / "mlflow.db", tmp_path / "artifacts")
    found = [client.get_experiment(experiment).artifact_location for experiment in (*experiments, remote)]
    assert found == [*(path.as_uri() for path in locations), "s3://bucket/artifacts"]
