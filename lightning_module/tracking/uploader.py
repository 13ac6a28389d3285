"""Uploads journals in the background, so that an unreachable tracking store never delays training."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from datamodules.errors import InputError
from lightning_module.tracking.entry_upload import ArtifactStoreError, send_artifacts, send_entries
from lightning_module.tracking.journal import Journal
from lightning_module.tracking.mlflow_store import HEARTBEAT_SECONDS, MlflowStore
from lightning_module.tracking.moved_runs import original_of, store_of
from lightning_module.tracking.run_folder import RunFolder, run_folders
from lightning_module.tracking.store_faults import first_line, lasting_fault

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
        self._told = ""
        self._has_tidied = False
        self._last_beat = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="uploader", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Tells the thread that there is something to upload."""
        self._wake.set()

    def close(self) -> bool:
        """Uploads the rest and stops the thread.

        Returns:
            Whether the thread stopped within a minute, so that the journal records all that was uploaded.
        """
        self._is_closing.set()
        self._wake.set()
        self._thread.join(_CLOSING_SECONDS)
        entries, artifacts = len(self._journal.unsent()), len(self._journal.waiting())
        refused, key = len(self._journal.delivery.refused), self._journal.folder.key
        if entries:
            _log.warning(
                "%d entries of run %s could not be uploaded to %s; the next run uploads them.",
                entries,
                key,
                self._store.uri,
            )
        if artifacts:
            _log.warning(
                "%d artifacts of run %s wait for their store; they are in %s, and the next run uploads them.",
                artifacts,
                key,
                self._journal.folder.path,
            )
        if refused:
            _log.warning(
                "%d entries of run %s were refused by MLflow; %s has them.", refused, key, self._journal.folder.journal
            )
        return not self._thread.is_alive()

    def _run(self) -> None:
        artifacts_after = 0.0
        while True:
            is_closing = self._is_closing.is_set()
            self._wake.clear()
            self._beat()
            fault = _fault_of(lambda: send_entries(self._store, self._journal, self._experiment))
            if fault is None and (is_closing or time.monotonic() > artifacts_after):
                fault = _fault_of(lambda: send_artifacts(self._store, self._journal))
                artifacts_after = 0.0 if fault is None else time.monotonic() + RETRY_SECONDS
            if fault is None or isinstance(fault, ArtifactStoreError):
                self._tidy()
            if fault is not None or artifacts_after == 0:  # a fault of the artifacts lasts until they are tried again
                self._note(fault)
            if is_closing and (fault is not None or not self._journal.pending()):
                return
            if fault is None or isinstance(fault, ArtifactStoreError):
                self._wake.wait(min(HEARTBEAT_SECONDS, RETRY_SECONDS) if artifacts_after else HEARTBEAT_SECONDS)
            else:
                self._is_closing.wait(RETRY_SECONDS)

    def _beat(self) -> None:
        """Shows that the run is alive, whatever becomes of its entries."""
        run_id = self._journal.delivery.run_id
        if run_id is None or time.monotonic() - self._last_beat < HEARTBEAT_SECONDS:
            return
        with suppress(Exception):  # the upload that follows tells of a store that is away
            self._store.beat(run_id)
            self._last_beat = time.monotonic()

    def _tidy(self) -> None:
        """Uploads what earlier runs could not upload, then marks the killed ones."""
        if self._has_tidied:
            return
        self._has_tidied = True
        spared = send_left_over(self._runs, self._store, self._experiment, self._journal.folder)
        try:
            for name in self._store.mark_killed(self._experiment, spared | {str(self._journal.delivery.run_id)}):
                _log.warning("Run %s was killed; MLflow now shows it as KILLED.", name)
        except Exception:  # noqa: BLE001  # the store went away just now
            self._has_tidied = False

    def _note(self, fault: Exception | None) -> None:
        """Tells once of each kind of fault, and of its end."""
        uri, folder = self._store.uri, self._journal.folder
        lasting = None if fault is None else lasting_fault(fault, uri)
        kind = "artifacts" if isinstance(fault, ArtifactStoreError) else "lasting" if lasting else "away"
        if fault is None and self._told and not self._journal.pending():
            _log.warning("MLflow at %s can be reached again; everything has been uploaded.", uri)
            self._told = ""
        if fault is None or kind == self._told:
            return
        self._told = kind
        if kind == "artifacts":
            _log.warning(
                "Artifacts of run %s cannot be stored in %s. Figures arrive; the files wait in %s.",
                folder.key,
                fault,
                folder.path,
            )
        elif lasting is not None:
            _log.warning("%s Training continues; its log is kept in %s.", lasting, folder.path)
        else:
            _log.warning(
                "MLflow at %s cannot be reached (%s). Training continues; its log is kept in %s.",
                uri,
                first_line(fault),
                folder.path,
            )


def _fault_of(send: Callable[[], None]) -> Exception | None:
    try:
        send()
    except Exception as error:  # noqa: BLE001  # training continues after any error of the store
        return error
    return None


def send_left_over(runs: Path, store: MlflowStore, experiment: str, own: RunFolder | None = None) -> set[str]:
    """Uploads the rest of runs that have ended, if they were created in this store. No run holds up another.

    Args:
        runs: The folder that holds all run folders.
        store: The tracking store.
        experiment: Name of the experiment of a run whose own description is damaged.
        own: A run to leave out.

    Returns:
        Ids of the runs whose end is still to be uploaded.
    """
    unended: set[str] = set()
    takes_artifacts = True
    for folder in run_folders(runs):
        if folder == own:
            continue
        try:
            with _idle_journal(folder) as (journal, is_locked):
                if journal is None or not journal.pending() or store_of(journal) != store.uri or original_of(journal):
                    continue
                run_id = str(journal.delivery.run_id)
                if any(entry.kind == "end" for entry in journal.pending()):
                    unended.add(run_id)
                if not is_locked:
                    continue
                send_entries(store, journal, experiment)
                unended.discard(run_id)
                if takes_artifacts:
                    send_artifacts(store, journal)
        except ArtifactStoreError:
            takes_artifacts = False
        except Exception as error:  # noqa: BLE001  # of many types
            _log.info("Run %s: %s", folder.key, first_line(error))
            if lasting_fault(error, store.uri) is None and not _answers(store):
                return unended
    return unended


@contextmanager
def _idle_journal(folder: RunFolder) -> Iterator[tuple[Journal | None, bool]]:
    """The journal of a run that no process works on, and whether it is locked, which a folder to read only cannot be."""
    try:
        held = folder.lock()
    except InputError:
        yield Journal(folder), False
        return
    if held is None:
        yield None, False
        return
    with held:
        yield Journal(folder), True


def _answers(store: MlflowStore) -> bool:
    try:
        store.prepare()
    except InputError:
        return False
    return True
