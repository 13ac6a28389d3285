"""Uploads journals in the background, so that an unreachable tracking store never delays training."""

import logging
import threading
import time
from pathlib import Path

from lightning_module.tracking.journal import Journal
from lightning_module.tracking.mlflow_store import HEARTBEAT_SECONDS, MlflowStore
from lightning_module.tracking.run_folder import RunFolder, run_folders

_log = logging.getLogger(__name__)

RETRY_SECONDS = 15.0
_CLOSING_SECONDS = 60.0  # for the rest of the upload when a run ends; the next run uploads what is left


class Uploader:
    """A thread that uploads one run's journal.

    It also uploads what earlier runs could not upload, and marks killed runs.
    """

    def __init__(self, store: MlflowStore, journal: Journal, experiment: str, runs: Path) -> None:
        self._store = store
        self._journal = journal
        self._experiment = experiment
        self._runs = runs
        self._is_closing = threading.Event()
        self._wake = threading.Event()
        self._is_reachable = True
        self._thread = threading.Thread(target=self._run, name="uploader", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Tells the thread that there is something to upload."""
        self._wake.set()

    def close(self, seconds: float = _CLOSING_SECONDS) -> bool:
        """Uploads the rest and stops the thread.

        Returns:
            Whether the thread stopped within `seconds`, so that the journal records all that was uploaded.
        """
        self._is_closing.set()
        self._wake.set()
        self._thread.join(seconds)
        left = len(self._journal.pending())
        if left:
            _log.warning(
                "%d entries of run %s could not be uploaded to %s; the next run uploads them.",
                left,
                self._journal.folder.key,
                self._store.uri,
            )
        return not self._thread.is_alive()

    def _run(self) -> None:
        last_beat = time.monotonic()
        has_tidied = False
        while True:
            is_closing = self._is_closing.is_set()
            self._wake.clear()
            try:
                self._store.send_pending(self._journal)
                if not has_tidied:
                    self._tidy()
                    has_tidied = True
                run_id = self._journal.delivery.run_id
                if run_id is not None and time.monotonic() - last_beat > HEARTBEAT_SECONDS:
                    self._store.beat(run_id)
                    last_beat = time.monotonic()
                self._note_reachable(None)
            except Exception as error:  # noqa: BLE001  # training continues after any error of the store
                self._note_reachable(error)
            if is_closing and not (self._is_reachable and self._journal.pending()):
                return
            if self._is_reachable:
                self._wake.wait(HEARTBEAT_SECONDS)
            else:
                self._is_closing.wait(RETRY_SECONDS)

    def _tidy(self) -> None:
        """Uploads what earlier runs could not upload, then marks the killed ones."""
        for folder in run_folders(self._runs):
            if folder != self._journal.folder:
                send_left_over(folder, self._store)
        for name in self._store.mark_killed(self._experiment, self._journal.delivery.run_id):
            _log.warning("Run %s was killed; MLflow now shows it as KILLED.", name)

    def _note_reachable(self, error: Exception | None) -> None:
        if error is not None and self._is_reachable:
            reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
            _log.warning(
                "MLflow at %s cannot be reached (%s). Training continues; its log is kept in %s.",
                self._store.uri,
                reason,
                self._journal.folder.path,
            )
        if error is None and not self._is_reachable:
            _log.warning("MLflow at %s can be reached again; everything has been uploaded.", self._store.uri)
        self._is_reachable = error is None


def send_left_over(folder: RunFolder, store: MlflowStore) -> None:
    """Uploads the rest of a run that has ended, if it was created in this store."""
    lock = folder.lock()
    if lock is None:
        return
    with lock:
        journal = Journal(folder)
        if journal.pending() and journal.delivery.uri == store.uri:
            store.send_pending(journal)
