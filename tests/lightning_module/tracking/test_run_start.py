"""A run that waits for its command to start: recorded from then on, or not at all."""

import shutil

import pytest

from lightning_module.tracking.run_folder import newest_fit
from lightning_module.tracking.tracker import Tracker
from lightning_module.tracking.tracking_place import TrackingPlace
from tests.runs import mlflow_run


@pytest.fixture
def place(tmp_path, empty_store):
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    return TrackingPlace(f"sqlite:///{tmp_path / 'mlflow.db'}", tmp_path, "experiment")


def _tracker(place, resume=None):
    return Tracker(place, "16-5-4-3-0 s0", {"command": "fit"}, resume, waits=True)


def test_a_run_that_begins_holds_what_was_logged_before(place):
    tracker = _tracker(place)
    tracker.log_params({"lr": 0.1})
    assert not tracker.has_begun
    assert not tracker.run.journal.exists()
    tracker.begin()
    tracker.begin()  # which changes nothing
    tracker.log_metrics({"loss": 1.0}, 0)
    tracker.end("FINISHED")
    run = mlflow_run(tracker.run)
    assert (run.info.status, run.data.params, run.data.metrics) == ("FINISHED", {"lr": "0.1"}, {"loss": 1.0})
    assert tracker.run.journal.read_text(encoding="utf-8").count('"create"') == 1


def test_a_run_that_never_began_leaves_nothing(place):
    tracker = _tracker(place)
    tracker.log_params({"lr": 0.1})
    assert newest_fit(place.runs) is None
    tracker.discard()
    assert not list(place.runs.iterdir())


def test_a_run_that_was_not_continued_after_all_stays_as_it_was(place):
    tracker = _tracker(place)
    tracker.begin()
    tracker.end("FINISHED")
    before = {path.name: path.read_bytes() for path in tracker.run.path.iterdir()}
    again = _tracker(place, tracker.run)
    again.log_metrics({"loss": 1.0}, 0)
    again.discard()
    assert {path.name: path.read_bytes() for path in tracker.run.path.iterdir()} == before
    assert not tracker.run.is_busy()
    assert mlflow_run(tracker.run).info.status == "FINISHED"
