"""Keeps the trials of a database in memory, and reads only those whose state has changed.

Optuna's own cache reads every unfinished trial with all its attributes each time, so that a queue of a thousand waiting
trials costs its workers a thousand times a thousand of them.
"""

from optuna.storages import RDBStorage
from optuna.storages._cached_storage import _CachedStorage, _StudyInfo
from optuna.storages._rdb.models import TrialModel
from optuna.trial import TrialState


class TrialCache(_CachedStorage):
    """Optuna's cache of a database, with fewer reads.

    A trial's attributes, parameters and values are those of the moment at which its present state was first seen. That
    is exact for finished trials, which do not change, and for waiting ones, which have their job from the beginning.
    What a running trial has stored since then is not seen; `get_trial` reads it.

    Args:
        backend: The database.
    """

    def __init__(self, backend: RDBStorage) -> None:
        super().__init__(backend)

    def _read_trials_from_remote_storage(self, study_id: int) -> None:
        with self._lock:
            known = self._studies.setdefault(study_id, _StudyInfo()).trials
            seen = {trial._trial_id: trial.state for trial in known.values()}
            states = self._states(study_id)
            changed = {trial_id for trial_id, state in states.items() if seen.get(trial_id) != state}
            if changed:
                trials = self._backend._get_trials(study_id, None, changed, max(states))
                self._add_trials_to_cache(study_id, trials)

    def _states(self, study_id: int) -> dict[int, TrialState]:
        session = self._backend.scoped_session()
        try:
            return dict(
                session.query(TrialModel.trial_id, TrialModel.state).filter(TrialModel.study_id == study_id).all()
            )
        finally:
            session.close()
