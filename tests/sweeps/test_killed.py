"""Killed at any moment, a sweep goes on: on one machine, and on a database with a tracking server."""

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient
from optuna.trial import TrialState

from sweeps.storage import confirmation_study, open_storage, search_study
from sweeps.trunks import trunk_study
from sweeps.worker_process import stage_queue
from tests.runs import TINY, write_config
from tests.servers import MlflowServer
from tests.sweeps.stubs import branched, settings

PROJECT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow

CODE = """
import sys
from pathlib import Path
from sweeps.settings import SweepSettings
from sweeps.run_sweep import run_sweep
command = (sys.executable, *sys.argv[3:])
run_sweep(SweepSettings.from_json(Path(sys.argv[1]).read_text()), int(sys.argv[2]), command)
"""
STUBS = ("-m", "tests.sweeps.stubs")
REAL = ("run.py", "sweep-worker")


def _start(asked, workers=2, command=STUBS):
    said = asked.folder / "settings.json"
    said.write_text(asked.to_json())
    with (asked.folder / "sweep.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-c", CODE, str(said), str(workers), *command],
            cwd=PROJECT,
            stdout=log,
            stderr=subprocess.STDOUT,
            # so much chance that a confirmation needs more than one look
            env={**os.environ, "STUB_SECONDS": "0.4", "STUB_LUCK": "1"},
        )


def _workers(parent):
    """The children of a process that still lives."""
    return [int(pid) for pid in Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split()]


def _kill(pid):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _assert_whole(asked, client):
    """Each job was done once, each finished trial has one finished run, and nothing is left running."""
    storage = open_storage(asked.storage)
    experiment = client.get_experiment_by_name(asked.experiment)
    runs = client.search_runs([experiment.experiment_id], max_results=1000)
    assert Counter(entry.info.status for entry in runs)["RUNNING"] == 0
    confirm = stage_queue("confirm", asked, storage)
    assert confirm.is_done()
    assert asked.is_branched or confirm.total > 4 * confirm.design.looks[0]  # that of branches is too short to grow
    jobs = {"search": (search_study, asked.n_trials), "confirm": (confirmation_study, confirm.total)}
    if asked.is_branched:
        jobs["trunk"] = (trunk_study, asked.search_seeds)
    for stage, (study, count) in jobs.items():
        trials = study(asked, storage).get_trials(deepcopy=False)
        finished = [trial for trial in trials if trial.state in (TrialState.COMPLETE, TrialState.PRUNED)]
        assert len(finished) == len({trial.user_attrs["job"] for trial in finished}) == count
        assert {trial.state for trial in trials} - {TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL} <= {
            TrialState.WAITING
        }
        ends = Counter(
            (entry.data.tags["trial"], entry.info.status) for entry in runs if entry.data.tags["stage"] == stage
        )
        for trial in finished:  # the reference of a branched search has the runs of the trunks
            is_trunk = stage == "search" and asked.is_branched and trial.user_attrs["epochs"] == 0
            assert ends[str(trial.number), "FINISHED"] == (
                0 if is_trunk else len(trial.user_attrs.get("runs", ["one"]))
            )
    (summary,) = (entry for entry in runs if entry.data.tags["stage"] == "summary")
    assert summary.info.status == "FINISHED"
    return search_study(asked, storage).get_trials(deepcopy=False)


def test_a_sweep_killed_at_ten_random_moments_ends_as_if_it_had_not_been(tmp_path, empty_store):
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    _kill_ten_times(settings(tmp_path, n_trials=12, confirm_seeds=7), STUBS, (3, 7))


def test_a_branched_sweep_is_killed_while_its_trunks_train_and_while_its_trials_branch(tmp_path, empty_store):
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    asked = branched(tmp_path, n_trials=8, search_seeds=2, confirm_seeds=3)
    storage = open_storage(asked.storage)
    for study in (trunk_study, search_study):
        sweep = _start(asked)
        while not study(asked, storage).get_trials(states=[TrialState.RUNNING]):
            assert sweep.poll() is None, (asked.folder / "sweep.log").read_text()[-3000:]
            time.sleep(0.05)
        for pid in [sweep.pid, *_workers(sweep)]:
            _kill(pid)
        sweep.wait()
    trials = _finished(asked, STUBS)
    finished = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    assert [len(trial.user_attrs["less_trunk"]) for trial in finished] == [2] * 8
    for attempts in (trials, trunk_study(asked, storage).get_trials()):
        assert any("retry_of" in trial.user_attrs for trial in attempts)


@pytest.mark.evidence
def test_real_fits_killed_at_ten_random_moments_end_as_if_they_had_not_been(tmp_path, faces, model_file, empty_store):
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    write_config(
        tmp_path / "trial.yaml",
        *TINY,
        f"--data.root={faces}",
        f"--data.face_model.path={model_file}",
        f"--data.test.root={faces}",
        f"--data.index.cache_dir={tmp_path / 'cache'}",
        "--trainer.max_epochs=4",
    )
    _kill_ten_times(settings(tmp_path, n_trials=12, confirm_seeds=6), REAL, (8, 25))


def _kill_ten_times(asked, command, seconds):
    draw = random.Random(0)
    for kill in range(10):
        sweep = _start(asked, command=command)
        time.sleep(draw.uniform(*seconds))
        workers = _workers(sweep)
        # now the first process, now one of its workers, now all of them
        victims = [[sweep.pid], workers[:1], [sweep.pid, *workers]][kill % 3]
        for pid in victims:
            _kill(pid)
        if sweep.pid not in victims:
            time.sleep(1)
            _kill(sweep.pid)
        sweep.wait()
    trials = _finished(asked, command)
    retried = [trial for trial in trials if "retry_of" in trial.user_attrs]
    print(Counter(trial.state.name for trial in trials), len(retried), "tried again")
    for trial in retried:
        assert trials[trial.user_attrs["retry_of"]].state == TrialState.FAIL


def _finished(asked, command):
    """Completes a killed sweep, and returns the attempts at the trials of its search."""
    time.sleep(2)  # workers whose parent is gone stop by themselves
    assert _start(asked, command=command).wait(timeout=600) == 0, (asked.folder / "sweep.log").read_text()[-3000:]
    return _assert_whole(asked, MlflowClient(asked.tracking_uri))


def test_ctrl_c_ends_all_in_good_order(tmp_path, empty_store):
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    asked = settings(tmp_path, n_trials=40, confirm_seeds=0)
    sweep = _start(asked)
    storage = open_storage(asked.storage)
    while not any(trial.state == TrialState.COMPLETE for trial in search_study(asked, storage).get_trials()):
        time.sleep(0.5)
    workers = _workers(sweep)
    assert len(workers) == 2
    sweep.send_signal(signal.SIGINT)
    sweep.wait(timeout=120)
    assert not [pid for pid in workers if Path(f"/proc/{pid}").exists()]
    states = {trial.state for trial in search_study(asked, storage).get_trials()}
    assert TrialState.RUNNING not in states


@pytest.fixture
def tracking_uri(tmp_path):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    server = MlflowServer(tmp_path, port)
    server.start()
    yield server.url
    server.kill()


def test_two_machines_share_a_sweep_though_a_worker_is_killed_and_the_database_restarts(
    tmp_path, postgres, tracking_uri
):
    shared = {"storage": postgres.url, "tracking_uri": tracking_uri, "n_trials": 16, "confirm_seeds": 7}
    here, there = (settings(tmp_path / name, **shared) for name in ("here", "there"))
    sweeps = [_start(here), _start(there, workers=1)]
    storage = open_storage(postgres.url)
    while sum(trial.state == TrialState.COMPLETE for trial in search_study(here, storage).get_trials()) < 3:
        time.sleep(0.3)
        assert sweeps[0].poll() is None, (here.folder / "sweep.log").read_text()[-3000:]
    _kill(_workers(sweeps[0])[0])
    time.sleep(2)
    postgres.stop()  # and the database goes away for a moment
    time.sleep(3)
    postgres.start()
    for sweep, asked in zip(sweeps, (here, there), strict=True):
        assert sweep.wait(timeout=300) == 0, (asked.folder / "sweep.log").read_text()[-3000:]
    _assert_whole(here, MlflowClient(tracking_uri))
    assert (here.results / "verdict.md").read_text().startswith("# Sweep stub")
    assert (there.results / "verdict.md").is_file()
