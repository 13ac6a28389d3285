"""What a queue costs its workers, and many of them on one server."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import optuna
import pytest
import sqlalchemy
from optuna.exceptions import StorageInternalError
from optuna.storages import RDBStorage
from optuna.trial import TrialState

from sweeps.connections import alone
from sweeps.job_queue import Job, JobQueue
from sweeps.storage import open_storage, open_study

PROJECT = Path(__file__).resolve().parents[2]
MOST_STATEMENTS = 16  # of a claim

WIDE = """
import json, sys
from dataclasses import replace
from pathlib import Path
from benchmarks.queue import QueueLoad, measure
print(json.dumps(measure(QueueLoad(workers=8, jobs=80, sampler="random", restarts=1), Path(sys.argv[1]))))
"""


def _queue(url, count):
    storage = open_storage(url)
    return JobQueue(open_study(storage, "jobs", 1, {}), storage, [Job(str(number)) for number in range(count)])


def _states(queue):
    return [trial.state.name for trial in queue.study.get_trials(deepcopy=False)]


def _finish(queue, trial_id):
    queue._storage.set_trial_state_values(trial_id, TrialState.COMPLETE, [1.0])


@pytest.mark.parametrize("count", [4, 40])
def test_a_claim_costs_the_same_however_many_jobs_wait_or_are_finished(tmp_path, monkeypatch, count):
    queue = _queue(f"sqlite:///{tmp_path / 'optuna.db'}", count)
    for _ in range(count // 2):
        _finish(queue, queue.claim())
    statements, trials, build = [], [], RDBStorage._build_frozen_trial_from_trial_model
    sqlalchemy.event.listen(
        queue._storage.engine, "before_cursor_execute", lambda *arguments: statements.append(arguments[2])
    )
    monkeypatch.setattr(
        RDBStorage,
        "_build_frozen_trial_from_trial_model",
        lambda storage, trial: trials.append(trial) or build(storage, trial),
    )
    assert queue.claim() is not None
    assert 0 < len(statements) <= MOST_STATEMENTS
    assert not trials  # their states are enough


def test_samplers_see_what_other_workers_have_suggested(tmp_path):
    url = f"sqlite:///{tmp_path / 'optuna.db'}"
    one, other = _queue(url, 2), _queue(url, 2)
    trial_id = one.claim()
    assert [trial.state.name for trial in other._trials()] == ["RUNNING", "WAITING"]
    value = optuna.Trial(one.study, trial_id).suggest_float("x", 0, 1)
    assert [trial.params for trial in other.study.get_trials(states=(TrialState.RUNNING,))] == [{"x": value}]


def test_a_queue_needs_a_study_that_reads_little(tmp_path):
    storage = open_storage(f"sqlite:///{tmp_path / 'optuna.db'}")
    with pytest.raises(TypeError, match="study other was not opened by open_study"):
        JobQueue(optuna.create_study(storage=storage, study_name="other"), storage, [])


def test_what_a_worker_took_when_the_database_went_away_is_free_again(tmp_path, monkeypatch):
    queue = _queue(f"sqlite:///{tmp_path / 'optuna.db'}", 1)
    queue.fill()
    setter = queue._storage.set_trial_user_attr

    def set_trial_user_attr(trial_id, key, value):
        monkeypatch.setattr(queue._storage, "set_trial_user_attr", setter)
        raise StorageInternalError

    monkeypatch.setattr(queue._storage, "set_trial_user_attr", set_trial_user_attr)
    with pytest.raises(StorageInternalError):
        queue.claim()
    assert _states(queue) == ["WAITING"]
    assert queue.claim() is not None


@pytest.mark.slow
def test_machines_that_start_at_once_enqueue_each_job_once(postgres):
    queues = [_queue(postgres.url, 30) for _ in range(4)]
    threads = [threading.Thread(target=queue.fill) for queue in queues]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert _states(queues[0]) == ["WAITING"] * 30


@pytest.mark.slow
def test_a_lock_that_is_never_released_delays_a_queue_but_does_not_stop_it(postgres):
    queue, lost = _queue(postgres.url, 1), open_storage(postgres.url)
    with alone(lost.engine, "fill jobs") as is_alone:
        assert is_alone
        assert queue.claim() is None
        queue._refused_since -= 1000
        assert queue.claim() is not None
    assert _states(queue) == ["RUNNING"]


@pytest.mark.slow
def test_many_workers_do_each_job_once_though_the_database_restarts(server_folder):
    done = subprocess.run(
        [sys.executable, "-c", WIDE, server_folder],
        check=True,
        cwd=PROJECT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    figures = json.loads(done.stdout.splitlines()[-1])
    assert figures["restarts of the database"] == 1
    assert figures["jobs lost"] == figures["jobs done twice"] == figures["workers that ended early"] == 0
    assert figures["attempts by state"]["COMPLETE"] == 80
    assert 1 <= figures["most connections of workers at once"] <= 8
