"""Refuses runs that can never be recorded, before anything is trained."""

import errno
import os
import threading
from pathlib import Path

from datamodules.addresses import sqlite_file
from datamodules.errors import InputError
from lightning_module.tracking.mlflow_store import MlflowStore
from lightning_module.tracking.store_faults import deleted_experiment, deleted_run, lasting_fault

_ANSWER_SECONDS = 5.0  # a store that takes longer is treated as one that is away


def refuse_hopeless(store: MlflowStore, experiment: str, key: str = "", run_id: str | None = None) -> None:
    """Refuses a store, experiment or run that no waiting mends. A store that is away, or slow to answer, is none of these.

    Args:
        store: The tracking store.
        experiment: Name of the experiment of a new run.
        key: Key of a run to continue.
        run_id: Its id in MLflow.

    Raises:
        InputError: If nothing that is logged can ever arrive.
    """
    faults: list[InputError] = []

    def ask() -> None:
        try:
            file = sqlite_file(store.uri)
            if file is not None:
                _refuse_unwritable(file)
            if file is None or file.exists():  # a new one is made in the background
                _refuse_deleted(store, experiment, key, run_id)
        except Exception as error:  # noqa: BLE001  # MLflow, SQLAlchemy and the system raise exceptions of many types
            if (fault := lasting_fault(error, store.uri)) is not None:
                faults.append(fault)

    thread = threading.Thread(target=ask, name="store check", daemon=True)
    thread.start()
    thread.join(_ANSWER_SECONDS)
    if faults:
        raise faults[0]


def _refuse_unwritable(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(file))
    for place in (file, file.parent):  # beside the file SQLite writes what undoes a change
        if place.exists() and not os.access(place, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(place))


def _refuse_deleted(store: MlflowStore, experiment: str, key: str, run_id: str | None) -> None:
    """Refuses what was deleted in MLflow; what does not exist yet is created."""
    run = None if run_id is None else store.run(run_id)
    if run is None:
        stored = store.client.get_experiment_by_name(experiment)
    else:
        stored = store.client.get_experiment(run.info.experiment_id)
    if stored is not None and stored.lifecycle_stage == "deleted":
        raise deleted_experiment(stored.name, stored.experiment_id, store.uri)
    if run is not None and run.info.lifecycle_stage == "deleted":
        raise deleted_run(key, run.info.run_id, store.uri)
