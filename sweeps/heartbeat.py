"""Shows other machines that a trial is still being worked on."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

from optuna.storages import RDBStorage

from sweeps.storage import HEARTBEAT_SECONDS


@contextmanager
def heartbeats(storage: RDBStorage, trial_id: int) -> Iterator[None]:
    """Records the time in the database at intervals, from a thread of its own."""
    stop = Event()
    beating = Thread(target=_beat, args=(storage, trial_id, stop), name="heartbeat", daemon=True)
    beating.start()
    try:
        yield
    finally:
        stop.set()
        beating.join()


def _beat(storage: RDBStorage, trial_id: int, stop: Event) -> None:
    while not stop.wait(HEARTBEAT_SECONDS):
        try:
            storage.record_heartbeat(trial_id)
        except Exception:  # noqa: BLE001  # a short outage of the database does not stop the training
            continue
