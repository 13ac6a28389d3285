"""A secret in an address is found in nothing that is printed, written or uploaded."""

import json
import logging
import sys
from pathlib import Path

import pytest
import yaml
from mlflow.tracking import MlflowClient

from lightning_module.configuration.secret_options import shareable
from lightning_module.tracking import uploader
from lightning_module.tracking.journal import Journal
from lightning_module.tracking.run_folder import RunFolder
from run import main
from sweeps.run_sweep import run_sweep
from sweeps.storage import open_storage
from tests.runs import fit, fit_arguments
from tests.servers import MlflowServer
from tests.sweeps.conftest import postgres, server_folder
from tests.sweeps.stubs import settings

__all__ = ["postgres", "server_folder"]
SECRET = "s3cr3t-of-mine"


def _with_secret(url):
    scheme, _, rest = url.partition("://")
    return f"{scheme}://me:{SECRET}@{rest.rpartition('@')[2]}"


def _assert_nowhere(*folders):
    found = [
        path
        for folder in folders
        for path in sorted(Path(folder).rglob("*"))
        if path.is_file() and SECRET.encode() in path.read_bytes()
    ]
    assert not found


@pytest.fixture
def printed(capfd, caplog):
    """All that was printed and logged so far."""
    caplog.set_level(logging.INFO)

    def read():
        out, err = capfd.readouterr()
        return out + err + caplog.text

    return read


def test_a_fit_keeps_the_secret_of_a_server_that_is_away(faces, model_file, tmp_path, printed, monkeypatch):
    monkeypatch.setattr(uploader, "RETRY_SECONDS", 0.05)
    uri = f"http://me:{SECRET}@127.0.0.1:1/path"
    run = fit(
        faces,
        model_file,
        tmp_path / "runs",
        "--trainer.max_epochs=1",
        "--test_at_end=false",
        f"--tracking.uri={uri}",
        f"--tracking.tags={json.dumps({'see': uri})}",
    )
    text = printed()
    assert "MLflow at http://127.0.0.1:1/path cannot be reached" in text
    assert SECRET not in text
    _assert_nowhere(tmp_path)
    assert run.tags()["see"] == "http://***@127.0.0.1:1/path"
    assert yaml.safe_load(run.config.read_text())["tracking"]["uri"] == "http://127.0.0.1:1/path"
    assert Journal(run).delivery.uri == "http://127.0.0.1:1/path"


def test_a_configuration_keeps_all_but_secrets():
    options = {
        "tracking": {"uri": f"postgresql://me:{SECRET}@host/runs?sslmode=require", "tags": {"a": f"http://{SECRET}@h"}},
        "data": {"reader": {"init_args": {"token": "cls", "root": "/a@b:c", "size": 3}}},
        "trainer": {
            "logger": [{"class_path": "NeptuneLogger", "init_args": {"api_key": SECRET, "project": "me/faces"}}],
            "max_epochs": 3,
        },
    }
    kept = yaml.safe_load(shareable(yaml.safe_dump(options)))
    assert SECRET not in yaml.safe_dump(kept)
    assert kept["tracking"] == {"uri": "postgresql://host/runs?sslmode=require", "tags": {"a": "http://h"}}
    assert kept["data"] == options["data"]
    logger = kept["trainer"]["logger"][0]["init_args"]
    assert logger == {"api_key": None, "project": "me/faces"}
    plain = "# as written\na:   1\n"
    assert shareable(plain) == plain


@pytest.mark.slow
def test_no_command_gives_the_secret_of_a_server_away(faces, model_file, tmp_path, free_port, printed, monkeypatch):
    server = MlflowServer(tmp_path, free_port)
    server.start()
    uri, place = _with_secret(server.url), [f"--tracking.folder={tmp_path / 'runs'}"]
    place.append(f"--tracking.uri={uri}")
    try:
        run = fit(faces, model_file, tmp_path / "runs", f"--data.test.root={faces}", place[1])
        main(
            [
                "test",
                f"--ckpt_path={run.best_checkpoint}",
                f"--data.test.root={faces}",
                f"--data.face_model.path={model_file}",
                *place,
            ]
        )
        main(["compare", *place])
        main(["ui", *place])
        fit(faces, model_file, tmp_path / "runs", f"--ckpt_path={run.last_checkpoint}", place[1], "--test_at_end=false")
        monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "me")
        monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", SECRET)
        arguments = ["fit", "--config", str(run.config), "--test_at_end=false"]  # a replay, with the variables
        replayed = main(arguments).folder
        assert MlflowClient(server.url).get_run(Journal(replayed).delivery.run_id).info.status == "FINISHED"
        artifacts = [path for path in (tmp_path / "server").rglob("*") if path.is_file()]
        assert {"config.yaml", "best.ckpt"} <= {path.name for path in artifacts}
    finally:
        server.kill()
    assert SECRET not in printed()
    _assert_nowhere(tmp_path)


@pytest.mark.slow
def test_no_sweep_gives_its_secrets_away(tmp_path, free_port, postgres, server_folder, printed, monkeypatch):
    monkeypatch.setenv("STUB_SECONDS", "0")
    server = MlflowServer(tmp_path, free_port + 1 if free_port < 65000 else free_port - 1)
    server.start()
    storage = _with_secret(postgres.url).replace("//me:", "//weightmask:")
    asked = settings(tmp_path / "runs", storage=storage, tracking_uri=_with_secret(server.url), n_trials=4)
    try:
        run_sweep(asked, 1, [sys.executable, "-m", "tests.sweeps.stubs"])
        trials = open_storage(storage).get_all_studies()
        assert {study.study_name for study in trials} >= {"stub", "stub/confirmation"}
        artifacts = {path.name for path in (tmp_path / "server").rglob("*") if path.is_file()}
        assert {"verdict.md", "best.yaml"} <= artifacts
    finally:
        server.kill()
        postgres.stop()
    monkeypatch.setattr(postgres, "stop", lambda: None)  # a second time, by the fixture
    assert SECRET not in printed()
    assert "weightmask:***@" in (asked.results / "verdict.md").read_text()
    _assert_nowhere(tmp_path, server_folder)


def test_an_earlier_runs_secret_is_not_written_again(tmp_path):
    run = RunFolder.create(tmp_path, "name")
    (run.path / "delivery.json").write_text(json.dumps({"sent": 0, "run_id": "a", "uri": f"http://me:{SECRET}@h"}))
    log = Journal(run)
    log.write("tags", text=f"stopped: http://me:{SECRET}@h is away", parts=["postgres://u:" + SECRET + "@h/x"])
    from lightning_module.tracking.moved_runs import in_store, store_of

    assert store_of(log) == "http://h"
    log.delivered(in_store(log, store_of(log)))
    run.journal.write_bytes(run.journal.read_bytes().replace(b"***@", f"me:{SECRET}@".encode()))
    assert SECRET not in str(Journal(run).pending())  # which are uploaded
    run.journal.unlink()
    _assert_nowhere(tmp_path)


def test_arguments_that_are_refused_are_shown_without_their_secret(faces, model_file, tmp_path):
    with pytest.raises(ValueError, match="tracking") as caught:
        main(fit_arguments(faces, model_file, tmp_path, f"--tracking.urii=http://me:{SECRET}@h"))
    assert SECRET not in str(caught.value)
