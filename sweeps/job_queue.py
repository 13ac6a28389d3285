"""A queue of jobs for many workers: each job is done once, and none is lost when a worker is killed.

A job has a name, such as "7" for the eighth trial of a search. Optuna's trials are attempts at jobs, and name their job
in an attribute. A job is done when an attempt at it is COMPLETE or PRUNED. A study therefore has as many finished trials
as there are jobs, however often attempts are killed and repeated.
"""

import math
import os
import random
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState

from datamodules.addresses import masked
from datamodules.errors import InputError
from lightning_module.tracking.liveness import is_running, machine_name, process_name
from sweeps.connections import GRACE_SECONDS, alone
from sweeps.heartbeat import heartbeats
from sweeps.storage import HEARTBEAT_SECONDS, HELD, STORAGE_ERRORS, patiently
from sweeps.trial_cache import TrialCache

JOB, ERROR = "job", "error"
_RETRY_OF, _WORKER = "retry_of", "worker"
FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)
_MOST_ERRORS = 3
_MOST_COLLISIONS = 8  # trials that others took first, until a claim gives up
_DRAW = random.SystemRandom()  # trainings seed Python's own generator, with one seed in all workers


class HopelessJobError(InputError):
    """A job that failed repeatedly, so that another attempt makes no sense."""


@dataclass(frozen=True)
class Job:
    """A job of a study.

    Attributes:
        name: Name of the job, unique in its study.
        parameters: Fixed values of the trial's parameters; the others are sampled.
        attributes: Attributes of the trial.
    """

    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)


class JobQueue:
    """The jobs of one study.

    Args:
        study: The study, whose trials are attempts at the jobs.
        storage: Storage of the study.
        jobs: All jobs; the same for every worker.
    """

    def __init__(self, study: optuna.Study, storage: RDBStorage, jobs: list[Job]) -> None:
        if not isinstance(study._storage, TrialCache):
            raise TypeError(f"study {study.study_name} was not opened by open_study")
        self._study = study
        self._cache = study._storage
        self._storage = storage
        self._since = str(datetime.now())  # in Optuna's format of times
        self._jobs = {job.name: job for job in jobs}
        self._next_check = time.monotonic()
        self._refused_since = math.inf

    @property
    def study(self) -> optuna.Study:
        """The study, which keeps the finished trials in memory."""
        return self._study

    @property
    def total(self) -> int:
        """Number of jobs."""
        return len(self._jobs)

    def finished(self) -> list[FrozenTrial]:
        """The attempts that finished a job, in the order of the jobs."""
        trials = self._study.get_trials(deepcopy=False, states=FINISHED)
        done = {trial.user_attrs.get(JOB): trial for trial in trials}
        return [done[name] for name in self._jobs if name in done]

    def is_done(self) -> bool:
        """Whether all jobs are finished."""
        return self._jobs.keys() <= {trial.user_attrs.get(JOB) for trial in self._trials() if trial.state in FINISHED}

    def fill(self) -> None:
        """Enqueues jobs that have no running or waiting attempt; killed attempts are repeated once with their parameters.

        It does nothing while another process fills the queue.

        Raises:
            HopelessJobError: If a job failed too often.
        """
        with alone(self._storage.engine, f"fill {self._study.study_name}") as is_alone:
            now = time.monotonic()
            self._refused_since = math.inf if is_alone else min(self._refused_since, now)
            # the lock of a machine that lost its network can stay; two that fill at once only enqueue jobs twice
            if now < self._refused_since + GRACE_SECONDS and not is_alone:
                return
            self._fail_the_dead()
            for job, failed in self._missing(self._study.get_trials(deepcopy=False)):
                self._enqueue(job, failed)

    def claim(self) -> int | None:
        """Reserves a trial for the caller, and returns its id; None if none is free.

        Two workers that claim at the same time may both get None, and should claim again.
        """
        trials = self._trials()
        if time.monotonic() >= self._next_check or not self._free(trials):
            self._fail_the_dead()
            self._next_check = time.monotonic() + HEARTBEAT_SECONDS
            trials = self._trials()
        if self._missing(trials):
            self.fill()
            trials = self._trials()
        free = self._free(trials)
        # one worker does the jobs in their order; many choose among as many jobs as there are workers
        width = 1 + sum(trial.state == TrialState.RUNNING for trial in trials)
        for _ in range(min(_MOST_COLLISIONS, len(free))):
            trial = free.pop(_DRAW.randrange(min(width, len(free))))
            if self._take(trial._trial_id, trial.user_attrs[JOB]):
                return trial._trial_id
        return None

    @contextmanager
    def running(self, trial_id: int) -> Iterator[None]:
        """Sends heartbeats for a trial while it runs, and marks it as failed if the work raises an exception."""
        try:
            with heartbeats(self._storage, trial_id):
                yield
        except STORAGE_ERRORS:  # not a fault of the trial
            patiently(lambda: self._fail(trial_id))
            raise
        except Exception as error:
            message = f"{type(error).__name__}: {error}"
            patiently(lambda: self._fail(trial_id, message))
            raise
        except BaseException:  # stopped, which is not a fault of the trial
            self._fail(trial_id)
            raise

    def _trials(self) -> list[FrozenTrial]:
        """All trials with their states, and with the attributes that they were enqueued with."""
        return self._cache.trials_by_state(self._study._study_id)

    def _missing(self, trials: Iterable[FrozenTrial]) -> list[tuple[Job, list[FrozenTrial]]]:
        """The jobs without a running, waiting or finished attempt, each with its failed ones."""
        attempts: dict[str, list[FrozenTrial]] = {name: [] for name in self._jobs}
        for trial in trials:
            attempts.get(trial.user_attrs.get(JOB, ""), []).append(trial)
        return [
            (job, attempts[name])
            for name, job in self._jobs.items()
            if all(trial.state == TrialState.FAIL for trial in attempts[name])
        ]

    def _free(self, trials: Iterable[FrozenTrial]) -> list[FrozenTrial]:
        """The waiting trials whose jobs are not held by another attempt, in the order in which they should be done."""
        open_jobs = self._jobs.keys() - {trial.user_attrs.get(JOB) for trial in trials if trial.state in HELD}
        free = [
            trial for trial in trials if trial.state == TrialState.WAITING and trial.user_attrs.get(JOB) in open_jobs
        ]
        # two workers may have enqueued the same job at the same time; a retry has precedence
        return sorted(free, key=lambda trial: (_RETRY_OF not in trial.user_attrs, trial.number))

    def _enqueue(self, job: Job, failed: list[FrozenTrial]) -> None:
        # faults from before this start may have been corrected
        errors = [
            trial for trial in failed if ERROR in trial.user_attrs and str(trial.datetime_complete) >= self._since
        ]
        if len(errors) >= _MOST_ERRORS:
            raise HopelessJobError(
                f"{self._study.study_name}, job {job.name}: failed {len(errors)} times, the last with "
                f"{errors[-1].user_attrs[ERROR]}. See the logs of the workers, and start again after correcting the fault."
            )
        parameters, attributes = dict(job.parameters), {JOB: job.name, **job.attributes}
        if failed and ERROR not in failed[-1].user_attrs and _RETRY_OF not in failed[-1].user_attrs:
            parameters = {**parameters, **failed[-1].params}
            attributes[_RETRY_OF] = failed[-1].number
        self._study.enqueue_trial(parameters, attributes)

    def _take(self, trial_id: int, name: str) -> bool:
        """Takes a waiting trial, unless another worker has taken it or another attempt at the same job."""
        try:
            self._storage.record_heartbeat(trial_id)  # first, so that a kill right after it is noticed
            if not self._storage.set_trial_state_values(trial_id, TrialState.RUNNING):
                return False
        except UpdateFinishedTrialError:  # another worker has taken and finished it
            return False
        try:
            self._storage.set_trial_user_attr(trial_id, _WORKER, _this_worker())
            is_held = any(
                trial.user_attrs.get(JOB) == name and trial.state in HELD and trial._trial_id != trial_id
                for trial in self._trials()
            )
        except STORAGE_ERRORS:
            patiently(lambda: self._release(trial_id))
            raise
        if is_held:
            self._release(trial_id)
            time.sleep(_DRAW.uniform(0, 0.5))  # so that two workers do not collide again
        return not is_held

    def _release(self, trial_id: int) -> None:
        try:
            self._storage.set_trial_user_attr(trial_id, _WORKER, None)
            self._storage.set_trial_state_values(trial_id, TrialState.WAITING)
        except UpdateFinishedTrialError:
            pass  # another worker took this one for dead

    def _fail_the_dead(self) -> None:
        """Fails trials of killed processes of this machine, and trials without a recent heartbeat."""
        running = self._storage.get_all_trials(self._study._study_id, deepcopy=False, states=(TrialState.RUNNING,))
        for trial in running:
            machine, process = trial.user_attrs.get(_WORKER) or ("", "")
            if machine == machine_name() and not is_running(process):
                self._fail(trial._trial_id)
        optuna.storages.fail_stale_trials(self._study)

    def _fail(self, trial_id: int, error: str = "") -> None:
        try:
            if error:
                self._storage.set_trial_user_attr(trial_id, ERROR, masked(error)[:1000])
            self._storage.set_trial_state_values(trial_id, TrialState.FAIL)
        except UpdateFinishedTrialError:
            pass  # another worker has already marked it as failed


def _this_worker() -> list[str]:
    return [machine_name(), process_name(os.getpid())]
