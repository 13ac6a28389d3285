"""A worker process: takes one job of a stage after another until all are done."""

import os
import signal
import sys
import threading
import time
import traceback
from typing import Literal

import optuna
from optuna.storages import RDBStorage
from optuna.trial import TrialState

from datamodules.errors import InputError
from sweeps.baselines import BASELINES
from sweeps.confirmation import candidates, confirmation_jobs, run_confirmation
from sweeps.job_queue import Job, JobQueue
from sweeps.samplers import make_pruner, make_sampler
from sweeps.settings import SweepSettings
from sweeps.storage import confirmation_study, open_storage, patiently, reachable, search_study
from sweeps.training import Fit
from sweeps.trial import run_trial

Stage = Literal["search", "confirm"]

_POLL_SECONDS = 2.0
_GRACE_SECONDS = 60.0  # for a fit to end in good order
_MOST_FAILURES = 3  # in a row


def stage_queue(stage: Stage, settings: SweepSettings, storage: RDBStorage) -> JobQueue:
    """What there is to do in a stage; for a confirmation the search must be done."""
    search = search_study(settings, storage)
    if stage == "search":
        return JobQueue(search, storage, _search_jobs(settings))
    found = JobQueue(search, storage, _search_jobs(settings)).finished()
    jobs = confirmation_jobs(candidates(found, settings), settings)
    return JobQueue(confirmation_study(settings, storage), storage, jobs)


def work(stage: Stage, settings: SweepSettings, fit: Fit) -> None:
    """Does jobs until the stage is done, whoever does the others.

    Raises:
        InputError: If fits cannot be run at all.
        HopelessJobError: If a job failed again and again.
    """
    with reachable(settings.storage):
        _work(stage, settings, fit)


def _work(stage: Stage, settings: SweepSettings, fit: Fit) -> None:
    storage = open_storage(settings.storage)
    queue = stage_queue(stage, settings, storage)
    failures = 0
    while not patiently(queue.is_done):
        trial_id = patiently(queue.claim)
        if trial_id is None:
            time.sleep(_POLL_SECONDS)
            continue
        try:
            with queue.at_work(trial_id):
                _do(trial_id, stage, settings, storage, fit)
            failures = 0
        except InputError:
            raise
        except Exception as error:
            failures += 1
            traceback.print_exc()
            print(f"error: a trial failed: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
            if failures == _MOST_FAILURES:
                raise InputError(f"{failures} trials in a row failed, the last with: {error}") from error


def run_worker(name: str, fit: Fit) -> None:
    """A worker process's whole life: reads the sweep from standard input, and works."""
    settings = SweepSettings.from_json(sys.stdin.buffer.readline().decode())
    _follow_parent()
    stage: Stage = "confirm" if name == "confirm" else "search"
    try:
        work(stage, settings, fit)
    except KeyboardInterrupt:
        sys.exit(130)


def _follow_parent() -> None:
    """From now on, this process stops when the one that started it closes its end of the standard input, or is gone."""

    def wait() -> None:
        while os.read(sys.stdin.fileno(), 1):  # past Python's buffers, which a thread must not hold at the end
            pass
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(_GRACE_SECONDS)
        os._exit(1)

    threading.Thread(target=wait, name="parent", daemon=True).start()


def _search_jobs(settings: SweepSettings) -> list[Job]:
    """The known ratios first, then whatever the sampler proposes."""
    known = [settings.space.parameters(weights) for weights in BASELINES if settings.space.holds(weights)]
    known += [{}] * (settings.n_trials - len(known))
    return [Job(str(number), parameters) for number, parameters in enumerate(known[: settings.n_trials])]


def _do(trial_id: int, stage: Stage, settings: SweepSettings, storage: RDBStorage, fit: Fit) -> None:
    number = storage.get_trial(trial_id).number
    known = (search_study if stage == "search" else confirmation_study)(settings, storage)
    study = optuna.load_study(
        study_name=known.study_name,
        storage=storage,
        sampler=make_sampler(settings.sampler, settings.seed, number),
        pruner=make_pruner(settings.pruner if settings.prunes and stage == "search" else "none"),
    )
    study.get_trials(deepcopy=False)  # a study's cache has to know a trial before it can be written to
    trial = optuna.Trial(study, trial_id)
    values: tuple[float, ...] | None
    try:
        values, state = (
            (run_trial if stage == "search" else run_confirmation)(trial, settings, fit),
            TrialState.COMPLETE,
        )
    except optuna.TrialPruned:
        values, state = None, TrialState.PRUNED

    def tell() -> TrialState:
        known = storage.get_trial(trial_id).state
        if known == TrialState.RUNNING:
            study.tell(trial, values, state)
            return state
        return known

    if patiently(tell) == TrialState.FAIL:
        print(
            f"trial {number} was taken for dead and given to another worker; what it found here does not count",
            file=sys.stderr,
            flush=True,
        )
