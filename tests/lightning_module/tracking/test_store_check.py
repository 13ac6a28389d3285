"""What can never be recorded is refused before a run is made; what is merely away is waited for."""

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from datamodules.errors import InputError
from lightning_module.reporting import compare_command
from lightning_module.tracking import store_check, ui, uploader
from lightning_module.tracking.tracker import Tracker
from lightning_module.tracking.tracking_place import TrackingOptions
from run import main
from tests.runs import PROJECT


def _begin(tmp_path, uri):
    return Tracker(TrackingOptions(uri=uri, folder=tmp_path / "own").place(tmp_path), "name", {})


@pytest.fixture
def answer():
    """An HTTP server whose answer a test chooses, as code and body."""
    chosen = {"code": 200, "body": b"", "seconds": 0.0}

    class Handler(BaseHTTPRequestHandler):
        def _answer(self):
            time.sleep(chosen["seconds"])
            self.send_response(chosen["code"])
            self.send_header("Content-Length", str(len(chosen["body"])))
            self.end_headers()
            self.wfile.write(chosen["body"])

        do_GET = do_POST = _answer  # noqa: N815  # names of http.server

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    chosen["url"] = f"http://me:s3cr3t@127.0.0.1:{server.server_port}"
    yield chosen
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("uri", "fault"),
    [
        ("file:///tmp/runs", "is no address of an MLflow store.*sqlite:///FILE"),
        ("htp://me:s3cr3t@host", "is no address of an MLflow store"),
        ("runs", "is no address of an MLflow store"),
        ("127.0.0.1:5000", "is no address of an MLflow store"),
        ("http:///runs", "is no address of an MLflow store"),
        ("http://host:port", "is no address of an MLflow store"),
        ("sqlite://", "a database in memory is lost"),
        ("sqlite:///:memory:", "a database in memory is lost"),
        ("sqlite:////proc/nope/runs.db", "No such file or directory: /proc/nope"),
        ("sqlite:////proc", "Is a directory: /proc"),
        ("postgresql+nope://me:s3cr3t@host/runs", "its driver is missing"),
    ],
)
@pytest.mark.parametrize("command", ["fit", "compare"])
def test_an_address_that_can_never_work_is_refused_in_one_line_and_leaves_no_run(tmp_path, uri, fault, command):
    begin = {
        "fit": lambda: _begin(tmp_path, uri),
        "compare": lambda: main(["compare", f"--tracking.uri={uri}", f"--tracking.folder={tmp_path / 'own'}"]),
    }
    with pytest.raises(InputError, match=fault) as caught:
        begin[command]()
    assert "cannot be used to track runs" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "s3cr3t" not in str(caught.value)
    assert not (tmp_path / "own" / "runs").exists()


@pytest.mark.parametrize(
    ("code", "body", "fault"),
    [
        (401, b"Who are you?", "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"),
        (403, b"Not you", "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"),
        (404, b"<html>nothing here", "is no MLflow server"),
        (200, b"<html>welcome to my shop", "is no MLflow server"),
    ],
)
def test_a_server_that_never_takes_a_run_is_refused(tmp_path, answer, code, body, fault):
    answer |= {"code": code, "body": body}
    for begin in (
        lambda: _begin(tmp_path, answer["url"]),
        lambda: main(["compare", f"--tracking.uri={answer['url']}"]),
    ):
        with pytest.raises(InputError, match=fault) as caught:
            begin()
        assert "\n" not in str(caught.value)
        assert "s3cr3t" not in str(caught.value)
    assert not (tmp_path / "own").exists()


@pytest.mark.parametrize(("code", "seconds"), [(503, 0.0), (500, 0.0), (503, 3.0)])
def test_a_server_that_is_away_busy_or_silent_is_waited_for(
    tmp_path, answer, code, seconds, monkeypatch, caplog, capsys
):
    monkeypatch.setattr(store_check, "_ANSWER_SECONDS", 0.5)
    monkeypatch.setattr(uploader, "_CLOSING_SECONDS", 0.5)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    answer |= {"code": code, "seconds": seconds}
    start = time.monotonic()
    tracker = _begin(tmp_path, answer["url"])
    tracker.log_metrics({"loss": 1.0}, 0)
    tracker.end("FINISHED")
    assert time.monotonic() - start < 2.5
    assert "3 entries of run" in caplog.text
    printed = capsys.readouterr()
    assert "s3cr3t" not in caplog.text + printed.out + printed.err
    assert "s3cr3t" not in "".join(path.read_text() for path in tracker.run.path.iterdir())


_AS_NOBODY = """
import os, sys
from pathlib import Path
import mlflow.tracking, mlflow.store.tracking.sqlalchemy_store
from lightning_module.tracking.tracker import Tracker
from lightning_module.tracking.tracking_place import TrackingOptions
database = Path(sys.argv[1])
os.setgid(65534); os.setuid(65534)
try:
    database.open("ab")
except PermissionError:
    print("refused")
try:
    Tracker(TrackingOptions(uri=f"sqlite:///{database}", folder=Path(sys.argv[2])).place(database), "name", {})
except ValueError as error:
    print(error)
"""


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user, which only root may")
def test_a_database_that_may_only_be_read_is_refused_before_the_run(empty_store):
    with TemporaryDirectory() as place:  # pytest's own may be entered by its user only
        os.chmod(place, 0o755)
        database, own = Path(shutil.copy(empty_store, Path(place) / "mlflow.db")), Path(place) / "own"
        own.mkdir()
        os.chmod(own, 0o777)
        os.chmod(database, 0o444)
        command = [sys.executable, "-c", _AS_NOBODY, str(database), str(own)]
        done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
        first, fault = done.stdout.splitlines()
        assert first == "refused"
        assert fault.startswith(f"sqlite:///{database}: cannot be used to track runs (Permission denied: {database}).")
        assert not list(own.iterdir())


def _old_database(tmp_path, empty_store):
    path = shutil.copy(empty_store, tmp_path / "mlflow.db")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO runs (run_uuid, experiment_id) VALUES ('a', 0)")
        connection.execute("UPDATE alembic_version SET version_num = '0c779009ac13'")


@pytest.mark.parametrize("command", [["compare"], ["ui", "--port=0"]])
def test_compare_and_ui_name_the_remedy_for_a_database_of_another_version(tmp_path, empty_store, command, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    _old_database(tmp_path, empty_store)
    with pytest.raises(InputError, match=r"another version of MLflow.* mlflow db upgrade 'sqlite:///") as caught:
        main([*command, f"--tracking.folder={tmp_path}"])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("uri", ["http://me:s3cr3t@127.0.0.1:1", "postgresql://me:s3cr3t@127.0.0.1:1/runs"])
def test_compare_tells_in_one_line_of_a_server_that_is_away(tmp_path, uri):
    start = time.monotonic()
    with pytest.raises(
        InputError, match=r"cannot be used to track runs .*Start the server, or give --tracking\.uri"
    ) as caught:
        compare_command.compare(tracking=TrackingOptions(uri=uri, folder=tmp_path))
    assert time.monotonic() - start < 10
    assert "\n" not in str(caught.value)
    assert "s3cr3t" not in str(caught.value)


def test_the_command_that_starts_mlflows_pages_shows_no_password(tmp_path, monkeypatch):
    started = {}
    monkeypatch.setattr(ui.subprocess, "call", lambda command, env: started.update(command=command, env=env) or 0)

    class Store(ui.MlflowStore):
        client = property(lambda self: self)  # that of a database which is not here

        def get_experiment_by_name(self, name):
            return None

    monkeypatch.setattr(ui, "MlflowStore", Store)
    uri = "postgresql://me:s3cr3t@host/runs"
    main(["ui", "--port=0", f"--tracking.uri={uri}", f"--tracking.folder={tmp_path}"])
    assert "s3cr3t" not in " ".join(started["command"])
    assert started["env"]["MLFLOW_BACKEND_STORE_URI"] == uri
