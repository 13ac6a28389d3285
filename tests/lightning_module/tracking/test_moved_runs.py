"""Runs whose folder was moved or copied: each has its own MLflow run, in the store that lies where they lie."""

import json
import shutil

import pytest
from mlflow.tracking import MlflowClient

from lightning_module.tracking import uploader
from lightning_module.tracking.journal import Journal
from lightning_module.tracking.mlflow_store import KEY_TAG, MlflowStore
from lightning_module.tracking.moved_runs import followed
from lightning_module.tracking.run_folder import RunFolder
from lightning_module.tracking.tracker import Tracker
from lightning_module.tracking.tracking_place import TrackingOptions
from tests.runs import PROJECT, mlflow_run


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(uploader, "RETRY_SECONDS", 0.05)
    monkeypatch.delenv("MLFLOW_TRACKING_URI")


@pytest.fixture
def place(tmp_path, empty_store):
    (tmp_path / "before").mkdir()
    shutil.copy(empty_store, tmp_path / "before" / "mlflow.db")
    return TrackingOptions(folder=tmp_path / "before").place(tmp_path)


def _first(place):
    tracker = Tracker(place, "name", {"ratio": "1-1"})
    tracker.log_metrics({"loss": 2.0}, 0)
    tracker.end("KILLED")
    return tracker


def _go_on(place, run):
    tracker = Tracker(place, "name", {}, run)
    tracker.log_metrics({"loss": 1.0}, 1)
    tracker.end("FINISHED")
    return tracker


def _losses(uri, run_id):
    return [metric.value for metric in MlflowClient(uri).get_metric_history(run_id, "loss")]


def _runs(uri):
    return MlflowClient(uri).search_runs([MlflowClient(uri).get_experiment_by_name("weightmask").experiment_id])


def _moved(place, how):
    after = place.folder.parent / "after"
    how(place.folder, after)
    return TrackingOptions(folder=after).place(place.folder)


def _as_written_by_an_earlier_version(run):
    state = json.loads((run.path / "delivery.json").read_text())
    (run.path / "delivery.json").write_text(json.dumps({name: state[name] for name in ("sent", "run_id", "uri")}))
    create, *others = run.journal.read_text().splitlines(keepends=True)
    entry = json.loads(create)
    entry["content"] = {name: entry["content"][name] for name in ("experiment", "name", "tags")}
    run.journal.write_text(json.dumps(entry) + "\n" + "".join(others))


@pytest.mark.parametrize("is_old", [False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.parametrize("how", [shutil.move, shutil.copytree])
def test_a_folder_of_tracking_that_moves_or_is_copied_takes_its_runs_and_database_along(place, how, is_old, caplog):
    first = _first(place)
    if is_old:
        _as_written_by_an_earlier_version(first.run)
    after = _moved(place, how)
    again = _go_on(after, RunFolder(after.runs / first.run.key))
    assert (again.uri, again.run_id) == (after.uri, first.run_id)
    assert _losses(after.uri, first.run_id) == [2.0, 1.0]
    assert len(_runs(after.uri)) == 1
    assert ("was moved from" in caplog.text) != is_old
    assert place.folder.exists() == (how is shutil.copytree)
    if place.folder.exists():  # the original is as it was
        assert _losses(place.uri, first.run_id) == [2.0]
        assert mlflow_run(first.run).info.status == "KILLED"


def test_what_could_not_be_sent_before_a_move_is_sent_after_it(place, monkeypatch):
    first = _first(place)
    with monkeypatch.context() as patch:
        patch.setattr(MlflowStore, "client", property(lambda self: 1 / 0))
        Tracker(place, "name", {}, first.run).end("FINISHED")
    after = _moved(place, shutil.move)
    Tracker(after, "next", {}).end("FINISHED")
    assert MlflowClient(after.uri).get_run(first.run_id).info.status == "FINISHED"


def test_a_run_that_is_copied_beside_its_original_is_another_run(place, caplog):
    first = _first(place)
    copy = RunFolder(place.runs / f"{first.run.key}-copy")
    shutil.copytree(first.run.path, copy.path)
    again = _go_on(place, copy)
    assert f"{copy.path} is a copy of {first.run.path}" in caplog.text
    assert again.run_id != first.run_id
    assert _losses(place.uri, first.run_id) == [2.0]
    assert _losses(place.uri, again.run_id) == [2.0, 1.0]
    assert mlflow_run(copy).data.tags[KEY_TAG] == copy.key
    caplog.clear()
    assert _go_on(place, copy).run_id == again.run_id  # which it stays
    assert "is a copy" not in caplog.text


def test_a_run_that_is_copied_under_its_own_name_is_another_run_in_a_shared_store(place, empty_store, tmp_path):
    shared = f"sqlite:///{shutil.copy(empty_store, tmp_path / 'shared.db')}"
    first = _first(TrackingOptions(uri=shared, folder=tmp_path / "one").place(tmp_path))
    copy = RunFolder(tmp_path / "two" / "runs" / first.run.key)
    shutil.copytree(first.run.path, copy.path)
    again = _go_on(TrackingOptions(uri=shared, folder=tmp_path / "two").place(tmp_path), copy)
    assert again.run_id != first.run_id
    assert (_losses(shared, first.run_id), _losses(shared, again.run_id)) == ([2.0], [2.0, 1.0])
    (copy.path / "delivery.json").unlink()
    (first.run.path / "delivery.json").unlink()
    first = _go_on(TrackingOptions(uri=shared, folder=tmp_path / "one").place(tmp_path), first.run)
    assert _losses(shared, first.run_id) == [2.0, 1.0]  # not that of the copy, which has the same key


def test_a_run_that_is_copied_into_another_folder_of_tracking_is_a_run_of_that_folder(place, empty_store, tmp_path):
    first = _first(place)
    other = TrackingOptions(folder=tmp_path / "other").place(tmp_path)
    copy = RunFolder(other.runs / first.run.key)
    shutil.copytree(first.run.path, copy.path)
    shutil.copy(empty_store, other.folder / "mlflow.db")
    again = _go_on(other, copy)
    assert again.uri == other.uri
    assert _losses(other.uri, again.run_id) == [2.0, 1.0]
    assert _losses(place.uri, first.run_id) == [2.0]


def test_a_copy_that_nobody_works_on_sends_nothing(place, monkeypatch):
    first = _first(place)
    with monkeypatch.context() as patch:
        patch.setattr(MlflowStore, "client", property(lambda self: 1 / 0))
        Tracker(place, "name", {}, first.run).end("FINISHED")
    copy = place.runs / "backup"
    shutil.copytree(first.run.path, copy)
    Tracker(place, "next", {}).end("FINISHED")
    assert len(_runs(place.uri)) == 2
    assert mlflow_run(first.run).info.status == "FINISHED"
    assert Journal(RunFolder(copy)).pending()


def test_a_run_whose_folder_is_renamed_stays_the_same_run(place):
    first = _first(place)
    renamed = RunFolder(place.runs / "the-good-one")
    first.run.path.rename(renamed.path)
    assert _go_on(place, renamed).run_id == first.run_id
    assert mlflow_run(renamed).data.tags[KEY_TAG] == "the-good-one"


def test_the_configuration_of_a_run_names_the_folder_where_it_lies_today(tmp_path):
    run = RunFolder(tmp_path / "after" / "runs" / "key")
    options = {"folder": "/before", "uri": "sqlite:////before/mlflow.db", "experiment": "mine"}
    here = {
        "folder": str(tmp_path / "after"),
        "uri": f"sqlite:///{tmp_path / 'after' / 'mlflow.db'}",
        "experiment": "mine",
    }
    assert followed(options, run) == here
    assert followed(here, run) == here
    assert followed({"folder": None, "uri": None}, run) == {"folder": str(tmp_path / "after"), "uri": None}
    assert followed(options | {"uri": "http://host"}, run)["uri"] == "http://host"
    assert followed({"folder": None}, RunFolder(PROJECT / "mlruns" / "runs" / "key")) == {"folder": None}
    assert followed(options, RunFolder(tmp_path / "elsewhere" / "key")) == options  # not in a folder of tracking
