"""A worker process of a sweep, which works on the jobs of a stage until all are done."""

import os
import random
import signal
import sys
import threading
import time
import traceback
from typing import Any, Literal

import optuna
from optuna.storages import RDBStorage
from optuna.trial import TrialState

from datamodules.addresses import masked
from datamodules.disk_faults import outside_fault
from datamodules.errors import InputError
from sweeps.confirmation import candidates, run_confirmation
from sweeps.confirmation_plan import planned_design
from sweeps.confirmation_queue import ConfirmationQueue
from sweeps.job_queue import Job, JobQueue
from sweeps.samplers import make_pruner, make_sampler
from sweeps.settings import SweepSettings
from sweeps.storage import confirmation_study, open_storage, patiently, reachable, require_identity, search_study
from sweeps.training import Train, train
from sweeps.trial import run_trial
from sweeps.trunks import Trunks, run_trunk, trunk_jobs, trunk_study

Stage = Literal["trunk", "search", "confirm"]

_POLL_SECONDS = (0.5, 8.0)  # between claims when nothing is free: at first, and at most
_GRACE_SECONDS = 60.0  # for a fit to end
_MOST_FAILURES = 3  # in a row


def stage_queue(stage: Stage, settings: SweepSettings, storage: RDBStorage) -> JobQueue | ConfirmationQueue:
    """The jobs of a stage; those of the confirmation exist once the search is done.

    Raises:
        InputError: If the study was started with other settings.
    """
    if stage == "trunk":
        return JobQueue(trunk_study(settings, storage), storage, trunk_jobs(settings))
    search = search_study(settings, storage)
    if stage == "search":
        return JobQueue(search, storage, _search_jobs(settings))
    trials = JobQueue(search, storage, _search_jobs(settings)).finished()
    design = planned_design(settings, storage)
    chosen = candidates(trials, settings)
    return ConfirmationQueue(confirmation_study(settings, storage), storage, chosen, settings, design)


def work(stage: Stage, settings: SweepSettings, train: Train = train) -> None:
    """Works on jobs until the stage is done, together with other workers.

    Args:
        stage: The stage.
        settings: The sweep.
        train: Trains one ratio.

    Raises:
        InputError: If no training can be run at all.
        HopelessJobError: If a job failed repeatedly.
    """
    with reachable(settings.storage):
        _work(stage, settings, train)


def _work(stage: Stage, settings: SweepSettings, train: Train) -> None:
    storage = open_storage(settings.storage)
    queue = patiently(lambda: stage_queue(stage, settings, storage))
    failures = 0
    pause = least = _POLL_SECONDS[0]
    while True:
        trial_id = patiently(queue.claim)
        if trial_id is None:
            if patiently(queue.is_done):
                return
            time.sleep(random.SystemRandom().uniform(0.5, 1.0) * pause)  # trainings seed the common generator
            pause = min(2 * pause, _POLL_SECONDS[1])
            continue
        pause = least
        try:
            with queue.running(trial_id):
                _do(trial_id, stage, settings, queue.study, storage, train)
            failures = 0
        except InputError:
            raise
        except Exception as error:
            failures += 1
            if outside := outside_fault(error, [str(settings.folder)]):
                print(masked(f"error: a trial failed: {outside}"), file=sys.stderr, flush=True)
            else:
                print(masked(traceback.format_exc()), file=sys.stderr)
                print(masked(f"error: a trial failed: {type(error).__name__}: {error}"), file=sys.stderr, flush=True)
            if failures == _MOST_FAILURES:
                raise InputError(f"{failures} trials in a row failed, the last with: {outside or error}") from error


def run_worker(stage: Stage) -> None:
    """Works on a sweep, whose settings it reads from standard input; started by sweep.

    Args:
        stage: The stage to work on.
    """
    work_for_parent(stage, train)


def work_for_parent(stage: Stage, train: Train) -> None:
    """Reads the sweep's settings from standard input, and works on a stage until it is done or the parent ends.

    Args:
        stage: The stage to work on.
        train: Trains one ratio.
    """
    settings = SweepSettings.from_json(sys.stdin.buffer.readline().decode())
    _follow_parent()
    try:
        work(stage, settings, train)
    except KeyboardInterrupt:
        sys.exit(130)


def _follow_parent() -> None:
    """Makes this process stop when its parent closes the standard input or ends."""

    def wait() -> None:
        while os.read(sys.stdin.fileno(), 1):  # bypasses Python's buffers, which a thread must not hold at exit
            pass
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(_GRACE_SECONDS)
        os._exit(1)

    threading.Thread(target=wait, name="parent", daemon=True).start()


def _search_jobs(settings: SweepSettings) -> list[Job]:
    """The known ratios first, then those that the sampler proposes."""
    baselines = [settings.space.parameters(weights) for weights in settings.baselines if settings.space.holds(weights)]
    proposed: list[dict[str, Any]] = [{}] * (settings.n_trials - len(baselines))
    jobs = [*baselines, *proposed][: settings.n_trials]
    return [Job(str(number), parameters) for number, parameters in enumerate(jobs)]


def _run(
    stage: Stage, trial: optuna.Trial, settings: SweepSettings, storage: RDBStorage, train: Train
) -> tuple[float, ...]:
    match stage:
        case "trunk":
            return run_trunk(trial, settings, train)
        case "search":
            trunks = Trunks(settings, storage, train) if settings.is_branched else None
            return run_trial(trial, settings, train, trunks)
        case "confirm":
            return run_confirmation(trial, settings, train)


def _do(
    trial_id: int, stage: Stage, settings: SweepSettings, shared: optuna.Study, storage: RDBStorage, train: Train
) -> None:
    if stage == "search":
        require_identity(shared, settings.identity)  # the configuration may have changed meanwhile
    cached = shared._storage  # has the finished trials in memory
    number = cached.get_trial_number_from_id(trial_id)
    study = optuna.load_study(
        study_name=shared.study_name,
        storage=cached,
        sampler=make_sampler(settings.sampler, settings.seed, number),
        pruner=make_pruner(settings.pruner if settings.prunes and stage == "search" else "none"),
    )
    trial = optuna.Trial(study, trial_id)
    values: tuple[float, ...] | None
    try:
        values = _run(stage, trial, settings, storage, train)
        state = TrialState.COMPLETE
    except optuna.TrialPruned:
        values, state = None, TrialState.PRUNED

    # repeated after a commit of which only the answer was lost, it finds the trial finished
    if patiently(lambda: study.tell(trial, values, state, skip_if_finished=True)).state == TrialState.FAIL:
        print(
            f"trial {number} was marked as failed and repeated by another worker; its result here does not count",
            file=sys.stderr,
            flush=True,
        )
