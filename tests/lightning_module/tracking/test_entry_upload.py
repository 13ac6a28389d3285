"""What MLflow does not take: it waits or is recorded as refused, and holds up nothing else."""

import json
import shutil
import sys

import pytest
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import BAD_REQUEST
from mlflow.tracking import MlflowClient

from datamodules.errors import InputError
from lightning_module.tracking import uploader
from lightning_module.tracking.journal import Journal
from lightning_module.tracking.mlflow_store import MlflowStore
from lightning_module.tracking.tracker import Tracker
from lightning_module.tracking.tracking_place import TrackingPlace
from tests.runs import mlflow_run
from tests.servers import MlflowServer


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(uploader, "RETRY_SECONDS", 0.05)


@pytest.fixture(scope="module")
def uri(tmp_path_factory, empty_store):
    """One database for all tests, each of which has an experiment of its own."""
    return f"sqlite:///{shutil.copy(empty_store, tmp_path_factory.mktemp('store') / 'runs.db')}"


@pytest.fixture
def place(tmp_path, uri):
    return TrackingPlace(uri, tmp_path, tmp_path.name)


def _run(place, resume=None, name="16-5-4-3-0 s0"):
    return Tracker(place, name, {"ratio": "16-5-4-3-0"}, resume)


def _log(tracker):
    """What a run logs: two files, a parameter and a figure behind them, and its end."""
    for name in ("config.yaml", "picture.png"):
        (tracker.run.path / name).write_text(name)
        tracker.log_file(tracker.run.path / name)
    tracker.log_params({"lr": 0.1})
    tracker.log_metrics({"loss": 1.5}, 3)
    tracker.end("FINISHED")


def _artifacts(place, run_id):
    return [artifact.path for artifact in MlflowClient(place.uri).list_artifacts(run_id)]


@pytest.mark.parametrize("location", ["s3://bucket/x", pytest.param("file:///proc/nope", marks=pytest.mark.slow)])
def test_a_store_of_artifacts_that_is_out_of_reach_holds_up_no_figure(place, location, monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "boto3", None)  # as where it is not installed
    client = MlflowClient(place.uri)
    experiment = client.create_experiment(place.experiment, location)
    tracker = _run(place)
    _log(tracker)
    run = mlflow_run(tracker.run)
    assert (run.info.status, run.data.params, run.data.metrics) == ("FINISHED", {"lr": "0.1"}, {"loss": 1.5})
    warnings = [message for message in caplog.messages if message.startswith("Artifacts")]
    assert len(warnings) == 1
    assert f"cannot be stored in {location} (" in warnings[0]
    assert "2 artifacts of run" in caplog.text
    assert "could not be uploaded" not in caplog.text
    assert [entry.content["file"] for entry in Journal(tracker.run).pending()] == ["config.yaml", "picture.png"]

    whole = place.folder / "artifacts"
    MlflowClient(place.uri).delete_experiment(experiment)
    MlflowClient(place.uri).restore_experiment(experiment)
    monkeypatch.setattr(MlflowClient, "log_artifact", lambda self, run, path, to: shutil.copy(path, whole))
    whole.mkdir()
    _run(place, name="next").end("FINISHED")
    assert {path.name for path in whole.iterdir()} == {"config.yaml", "picture.png"}
    assert not Journal(tracker.run).pending()


@pytest.mark.slow
def test_a_server_whose_artifacts_lie_in_a_bucket_out_of_reach_gets_all_figures(
    tmp_path, free_port, monkeypatch, caplog
):
    monkeypatch.setitem(sys.modules, "boto3", None)
    server = MlflowServer(tmp_path, free_port, "s3://bucket/x")
    server.start()
    try:
        tracker = _run(TrackingPlace(server.url, tmp_path / "runs", "experiment"))
        _log(tracker)
        run = mlflow_run(tracker.run)
    finally:
        server.kill()
    assert (run.info.status, run.data.params, run.data.metrics) == ("FINISHED", {"lr": "0.1"}, {"loss": 1.5})
    assert caplog.text.count("cannot be stored in s3://bucket/x/1 (") == 1
    assert "2 artifacts of run" in caplog.text


def test_an_item_that_is_refused_does_not_take_others_with_it(place, caplog):
    tracker = _run(place)
    tracker.log_params({"lr": 1, "depth": 2})
    tracker.log_params({"lr": 2, "width": 3})  # MLflow never changes a parameter
    tracker.log_metrics({"fine": 1.0, "not;fine": 2.0}, 0)
    tracker.end("FINISHED")
    run = mlflow_run(tracker.run)
    assert (run.data.params, run.data.metrics) == ({"lr": "1", "depth": "2", "width": "3"}, {"fine": 1.0})
    assert run.info.status == "FINISHED"
    assert "refused a params entry" in caplog.text
    assert "not;fine" in caplog.text
    assert "2 entries of run" in caplog.text
    assert "were refused by MLflow" in caplog.text
    assert len(Journal(tracker.run).delivery.refused) == 2


def test_a_tag_that_is_refused_does_not_prevent_the_run(place, monkeypatch, caplog):
    whole = MlflowClient.create_run

    def create_run(self, *args, tags, **options):
        if "long" in tags:  # as PostgreSQL does, whose columns have a width
            raise MlflowException("value too long", BAD_REQUEST)
        return whole(self, *args, tags=tags, **options)

    monkeypatch.setattr(MlflowClient, "create_run", create_run)
    tracker = Tracker(place, "it's a name", {"fine": "1", "long": "x", "not;fine": "2"})
    tracker.end("FINISHED")
    run = mlflow_run(tracker.run)
    assert (run.data.tags["fine"], run.info.status, run.info.run_name) == ("1", "FINISHED", "it's a name")
    assert "not;fine" in caplog.text
    assert "not;fine" not in run.data.tags


def test_a_deleted_experiment_is_refused_before_the_run_and_takes_runs_again_when_it_is_restored(place):
    client = MlflowClient(place.uri)
    experiment = client.create_experiment(place.experiment, (place.folder / "artifacts").as_uri())
    client.delete_experiment(experiment)
    with pytest.raises(
        InputError, match=f"experiment {place.experiment} was deleted.* restore -x {experiment}\\), or give"
    ) as caught:
        _run(place)
    assert "\n" not in str(caught.value)
    assert not place.runs.exists()
    client.restore_experiment(experiment)
    tracker = _run(place)
    _log(tracker)
    assert mlflow_run(tracker.run).info.status == "FINISHED"


def test_an_experiment_that_is_deleted_during_a_run_gets_everything_when_it_is_restored(place, caplog):
    client = MlflowClient(place.uri)
    tracker = _run(place)
    while tracker.run_id is None:
        pass
    experiment = client.get_experiment_by_name(place.experiment).experiment_id
    client.delete_experiment(experiment)
    _log(tracker)
    assert f"the experiment {place.experiment} was deleted" in caplog.text
    assert "entries of run" in caplog.text
    client.restore_experiment(experiment)
    _run(place, name="next").end("FINISHED")
    run = mlflow_run(tracker.run)
    assert (run.info.status, run.data.metrics) == ("FINISHED", {"loss": 1.5})
    assert _artifacts(place, run.info.run_id) == ["config.yaml", "picture.png"]


def test_a_deleted_run_is_not_continued_until_it_is_restored(place):
    first = _run(place)
    first.end("KILLED")
    MlflowClient(place.uri).delete_run(first.run_id)
    with pytest.raises(InputError, match=f"was deleted.*runs restore --run-id {first.run_id}") as caught:
        _run(place, first.run)
    assert "\n" not in str(caught.value)
    assert [entry.kind for entry in Journal(first.run)._entries] == ["create", "end"]
    MlflowClient(place.uri).restore_run(first.run_id)
    again = _run(place, first.run)
    _log(again)
    assert again.run_id == first.run_id
    assert mlflow_run(first.run).data.metrics == {"loss": 1.5}


def test_a_run_that_is_deleted_while_it_trains_keeps_its_entries(place, caplog):
    tracker = _run(place)
    while tracker.run_id is None:
        pass
    MlflowClient(place.uri).delete_run(tracker.run_id)
    _log(tracker)
    assert f"the run {tracker.run.key} was deleted" in caplog.text
    assert "refused" not in caplog.text
    MlflowClient(place.uri).restore_run(tracker.run_id)
    _run(place, name="next").end("FINISHED")
    assert mlflow_run(tracker.run).info.status == "FINISHED"


def test_a_store_that_has_lost_a_run_gets_the_whole_journal_again(place, caplog):
    first = _run(place)
    _log(first)
    state = first.run.path / "delivery.json"
    state.write_text(json.dumps(json.loads(state.read_text()) | {"run_id": "0" * 32, "digest": None}))
    MlflowClient(place.uri).set_tag(first.run_id, "weightmask.key", "another")
    again = _run(place, first.run)
    again.log_metrics({"loss": 0.5}, 4)
    again.end("FINISHED")
    run = mlflow_run(first.run)
    assert run.info.run_id != first.run_id
    assert (run.data.metrics, run.data.params, run.info.status) == ({"loss": 0.5}, {"lr": "0.1"}, "FINISHED")
    assert len(MlflowClient(place.uri).get_metric_history(run.info.run_id, "loss")) == 2
    assert _artifacts(place, run.info.run_id) == ["config.yaml", "picture.png"]
    assert "does not hold run" in caplog.text


def test_what_is_sent_twice_is_there_once(place):
    first = _run(place)
    _log(first)
    (first.run.path / "delivery.json").write_text("")  # as after a power cut
    again = _run(place, first.run)
    again.end("FINISHED")
    assert again.run_id == first.run_id
    assert len(MlflowClient(place.uri).get_metric_history(again.run_id, "loss")) == 1
    experiment = MlflowClient(place.uri).get_experiment_by_name(place.experiment)
    assert len(MlflowClient(place.uri).search_runs([experiment.experiment_id])) == 1


def test_a_run_whose_end_is_still_to_be_sent_is_not_called_killed(place, monkeypatch):
    tracker = _run(place)
    while tracker.run_id is None:
        pass
    with monkeypatch.context() as patch:
        patch.setattr(MlflowStore, "client", property(lambda self: (_ for _ in ()).throw(ConnectionError("away"))))
        tracker.end("FINISHED")
    client = MlflowClient(place.uri)
    client.set_tag(tracker.run_id, "weightmask.process", "1 1")  # of a process that has ended
    (tracker.run.path / "lock").unlink()
    (tracker.run.path / "lock").mkdir()  # so that nothing can be sent
    _run(place, name="next").end("FINISHED")
    assert mlflow_run(tracker.run).info.status == "RUNNING"
    (tracker.run.path / "lock").rmdir()
    _run(place, name="next").end("FINISHED")
    assert mlflow_run(tracker.run).info.status == "FINISHED"
