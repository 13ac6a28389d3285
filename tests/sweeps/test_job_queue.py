"""Many workers, each job done once."""

import random
import threading

import optuna
import pytest
from optuna.trial import TrialState

from sweeps.job_queue import ERROR, HopelessJobError, Job, JobQueue
from sweeps.storage import open_storage, open_study

DEAD = ["somewhere", "1 0"]


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path / 'optuna.db'}"


def _queue(url, count=3, parameters=None):
    storage = open_storage(url)
    study = open_study(storage, "jobs", 1, {})
    return JobQueue(study, storage, [Job(str(i), parameters or {}) for i in range(count)]), study, storage


def _do(study, trial_id, value=1.0):
    study.get_trials()
    trial = optuna.Trial(study, trial_id)
    trial.suggest_float("x", 0, 1)
    study.tell(trial, value)


def _die(storage, trial_id, monkeypatch):
    """As if the worker's process were gone."""
    monkeypatch.setattr("sweeps.job_queue.machine_name", lambda: DEAD[0])
    storage.set_trial_user_attr(trial_id, "worker", DEAD)


def _states(study):
    return [trial.state.name for trial in study.get_trials(deepcopy=False)]


def test_every_job_is_done_once(url):
    queue, study, _ = _queue(url)
    while (trial_id := queue.claim()) is not None:
        with queue.running(trial_id):
            _do(study, trial_id)
    assert queue.is_done()
    assert [trial.user_attrs["job"] for trial in queue.finished()] == ["0", "1", "2"]
    assert _states(study) == ["COMPLETE"] * 3


def test_workers_that_claim_at_once_never_do_a_job_twice(url):
    _queue(url)
    done, lock = [], threading.Lock()

    def worker(seed):
        queue, study, _ = _queue(url, 20)
        draw = random.Random(seed)
        while not queue.is_done():
            trial_id = queue.claim()
            if trial_id is None:
                threading.Event().wait(0.05)
                continue
            with queue.running(trial_id):
                threading.Event().wait(draw.uniform(0, 0.02))
                _do(study, trial_id)
            with lock:
                done.append(trial_id)

    threads = [threading.Thread(target=worker, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    _, study, _ = _queue(url, 20)
    assert len(done) == len(set(done)) == 20
    finished = [trial.user_attrs["job"] for trial in study.get_trials() if trial.state == TrialState.COMPLETE]
    assert sorted(finished, key=int) == [str(i) for i in range(20)]


def test_a_killed_attempt_is_tried_once_more_with_the_same_parameters(url, monkeypatch):
    queue, study, storage = _queue(url, 1)
    tried = []
    for _ in range(3):
        trial_id = queue.claim()
        study.get_trials()
        trial = optuna.Trial(study, trial_id)
        tried.append((trial.suggest_float("x", 0, 1), trial.user_attrs.get("retry_of")))
        _die(storage, trial_id, monkeypatch)
    assert tried[1] == (tried[0][0], 0)
    assert tried[2][0] != tried[0][0]  # not for ever: it may be the parameters that kill
    assert _states(study) == ["FAIL", "FAIL", "RUNNING"]


def test_an_attempt_of_another_machine_is_dead_when_its_heart_stopped(url, monkeypatch):
    queue, study, storage = _queue(url, 1)
    first = queue.claim()
    storage.set_trial_user_attr(first, "worker", ["elsewhere", "1 0"])
    assert queue.claim() is None
    monkeypatch.setattr(storage, "_get_stale_trial_ids", lambda _: [first])
    monkeypatch.setattr(study._storage, "_get_stale_trial_ids", lambda _: [first])
    queue.fill()
    assert _states(study) == ["FAIL", "WAITING"]


def test_a_stopped_attempt_is_no_error_and_a_failed_one_is(url):
    queue, study, _ = _queue(url, 1)
    with pytest.raises(KeyboardInterrupt), queue.running(queue.claim()):
        raise KeyboardInterrupt
    with pytest.raises(ZeroDivisionError), queue.running(queue.claim()):
        _ = 1 / 0
    first, second = study.get_trials()
    assert ERROR not in first.user_attrs
    assert second.user_attrs[ERROR] == "ZeroDivisionError: division by zero"
    assert second.user_attrs["retry_of"] == 0


def test_a_job_that_fails_by_itself_is_given_up(url):
    queue, _, _ = _queue(url, 1)
    for _ in range(3):
        with pytest.raises(ValueError, match="no"), queue.running(queue.claim()):
            raise ValueError("no")
    with pytest.raises(HopelessJobError, match="job 0: failed 3 times, the last with ValueError: no"):
        queue.claim()


def test_wanting_a_trial_that_another_holds_leaves_it_to_him(url, monkeypatch):
    queue, study, storage = _queue(url, 1)
    held = queue.claim()
    holder = storage.get_trial(held).user_attrs["worker"]
    with monkeypatch.context() as late:
        late.setattr("sweeps.job_queue._this_worker", lambda: DEAD)  # saw it waiting a moment ago
        assert not queue._take(held, "0")
    assert storage.get_trial(held).user_attrs["worker"] == holder
    queue.fill()
    assert _states(study) == ["RUNNING"]


def test_what_two_enqueue_at_once_is_done_once(url):
    queue, study, _ = _queue(url, 1)
    study.enqueue_trial({}, {"job": "0"})
    study.enqueue_trial({}, {"job": "0"})
    _do(study, queue.claim())
    assert queue.claim() is None
    assert queue.is_done()


def test_two_who_hold_one_job_both_let_go(url, monkeypatch):
    queue, study, storage = _queue(url, 1)
    queue.fill()
    study.enqueue_trial({}, {"job": "0"})
    one, other = (trial._trial_id for trial in study.get_trials())
    monkeypatch.setattr("sweeps.job_queue.time.sleep", lambda _: None)
    storage.set_trial_state_values(other, TrialState.RUNNING)  # taken while this one was on its way
    assert not queue._take(one, "0")
    assert _states(study) == ["WAITING", "RUNNING"]


def test_a_longer_search_goes_on_from_a_shorter_one(url):
    queue, study, _ = _queue(url, 2)
    while (trial_id := queue.claim()) is not None:
        _do(study, trial_id)
    longer, study, _ = _queue(url, 3)
    assert not longer.is_done()
    _do(study, longer.claim())
    assert longer.is_done()
    assert len(study.get_trials()) == 3
