"""Keeps the trials of a database in memory, and reads only what can have changed.

Optuna's own cache reads every unfinished trial with all its attributes each time, so that a queue of a thousand waiting
trials costs its workers a thousand times a thousand of them.
"""

import copy
from collections.abc import Container, Iterable, Mapping

from optuna.storages import RDBStorage
from optuna.storages._cached_storage import _CachedStorage, _StudyInfo
from optuna.storages._rdb.models import TrialModel
from optuna.trial import FrozenTrial, TrialState


class TrialCache(_CachedStorage):
    """Optuna's cache of a database, with fewer reads.

    A finished trial is read once, and a waiting one too, since it has its job from the beginning.

    Args:
        backend: The database.
    """

    def __init__(self, backend: RDBStorage) -> None:
        super().__init__(backend)
        self._partial = set[int]()  # ids of trials of which only the state is up to date

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        """The trials of a study as they are now; running ones only if `states` has their state.

        Otherwise running trials have their state, and the attributes of an earlier moment.
        """
        with self._lock:
            now = self._read_states(study_id)
            has_running = states is not None and TrialState.RUNNING in states
            outdated = {
                trial_id
                for trial_id, state in now.items()
                if (state.is_finished() and trial_id in self._partial) or (state == TrialState.RUNNING and has_running)
            }
            self._read(study_id, outdated, now)
        return super().get_all_trials(study_id, deepcopy, states)

    def trials_by_state(self, study_id: int) -> list[FrozenTrial]:
        """The trials of a study with their present states, and what else they had when they were enqueued.

        The trials are shared, and must not be changed.
        """
        with self._lock:
            self._read_states(study_id)
        return super().get_all_trials(study_id, deepcopy=False)

    def get_trial(self, trial_id: int) -> FrozenTrial:
        """A trial as it is now."""
        return self._backend.get_trial(trial_id) if trial_id in self._partial else super().get_trial(trial_id)

    def get_trial_number_from_id(self, trial_id: int) -> int:
        """The number in its study of a trial that is known."""
        return self._trial_id_to_study_id_and_number[trial_id][1]

    def _read_trials_from_remote_storage(self, study_id: int) -> None:
        """Nothing: the methods above have read before they call Optuna's, which calls this."""

    def _read_states(self, study_id: int) -> Mapping[int, TrialState]:
        """Reads the states of all trials, and new trials whole."""
        session = self._backend.scoped_session()
        try:
            query = session.query(TrialModel.trial_id, TrialModel.state).filter(TrialModel.study_id == study_id)
            now = dict(query.all())
        finally:
            session.close()
        known = self._studies.setdefault(study_id, _StudyInfo()).trials
        by_id = {trial._trial_id: trial for trial in known.values()}
        for trial_id, trial in by_id.items():
            if trial_id in now and trial.state != now[trial_id]:
                known[trial.number] = _in_state(trial, now[trial_id])
                self._partial.add(trial_id)
        self._read(study_id, now.keys() - by_id.keys(), now)
        return now

    def _read(self, study_id: int, trial_ids: set[int], all_ids: Iterable[int]) -> None:
        if trial_ids:
            self._add_trials_to_cache(study_id, self._backend._get_trials(study_id, None, trial_ids, max(all_ids)))
            self._partial -= trial_ids


def _in_state(trial: FrozenTrial, state: TrialState) -> FrozenTrial:
    changed = copy.copy(trial)
    changed.state = state
    return changed
