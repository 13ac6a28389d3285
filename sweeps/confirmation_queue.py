"""The jobs of a confirmation, which become more from look to look."""

from collections.abc import Sequence
from contextlib import AbstractContextManager

import optuna
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial

from lightning_module.evaluation.sequential import SequentialDesign
from lightning_module.region_weights import RegionWeights
from sweeps.confirmation import confirmation_job, families_of
from sweeps.confirmation_course import SEED, Course, Key, follow
from sweeps.job_queue import Job, JobQueue
from sweeps.settings import SweepSettings
from sweeps.trial import RATIO


class ConfirmationQueue:
    """The jobs of a confirmation, with the methods of a `JobQueue`.

    Args:
        study: The study of the confirmation.
        storage: Its storage.
        chosen: Ratios proposed by the search.
        settings: The sweep.
        design: The numbers of seeds after which results are looked at.
    """

    def __init__(
        self,
        study: optuna.Study,
        storage: RDBStorage,
        chosen: Sequence[RegionWeights],
        settings: SweepSettings,
        design: SequentialDesign,
    ) -> None:
        self._study, self._storage, self._settings, self.design = study, storage, settings, design
        self._families = families_of(chosen, settings)
        self._jobs: dict[Key, Job] = {
            (weights.ratio, seed): confirmation_job(weights, seed)
            for seed in settings.seeds_of_confirmation
            for weights in (*settings.baselines, *chosen)
        }
        self._all = JobQueue(study, storage, list(self._jobs.values()))
        self._finished: frozenset[int] | None = None
        self._wanted: list[Key] = []

    @property
    def study(self) -> optuna.Study:
        """The study, which keeps the finished trials in memory."""
        return self._all.study

    @property
    def total(self) -> int:
        """Number of jobs so far, and of others that are finished all the same."""
        wanted = set(self._refresh().wanted)
        return len(wanted | {(trial.user_attrs[RATIO], trial.user_attrs[SEED]) for trial in self.finished()})

    def finished(self) -> list[FrozenTrial]:
        """The attempts that finished a job, in the order of the jobs."""
        return self._all.finished()

    def is_done(self) -> bool:
        """Whether the confirmation is over."""
        return self._refresh().is_over

    def fill(self) -> None:
        """Enqueues the jobs of the present look that have no running or waiting attempt."""
        self._refresh()
        self._queue.fill()

    def claim(self) -> int | None:
        """Reserves a trial of the present look for the caller, and returns its id; None if none is free."""
        self._refresh()
        return self._queue.claim()

    def running(self, trial_id: int) -> AbstractContextManager[None]:
        """Sends heartbeats for a trial while it runs, and marks it as failed if the work raises an exception."""
        return self._all.running(trial_id)

    def _refresh(self) -> Course:
        """Follows the confirmation, if trainings have finished since the last time."""
        finished = self.finished()
        numbers = frozenset(trial.number for trial in finished)
        if numbers != self._finished:
            self._course = follow(finished, self._families, self._settings, self.design)
            self._finished = numbers
            if self._course.wanted != self._wanted:
                self._wanted = self._course.wanted
                self._queue = JobQueue(self._study, self._storage, [self._jobs[key] for key in self._wanted])
        return self._course
