"""The SQLite file of a tracking store: it is made whole or not at all, and its artifacts follow its folder."""

import errno
import logging
import os
import sqlite3
from contextlib import closing, suppress
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

from datamodules.addresses import sqlite_address
from datamodules.errors import InputError
from datamodules.files.atomic_files import whole_file
from datamodules.files.file_locks import locked

_log = logging.getLogger(__name__)

_BUSY_SECONDS = 20.0  # another process writes
_VERSION, _RUNS, _TEMPORARY = "alembic_version", "runs", "_alembic_tmp_"  # of tables


def make_ready(path: Path, artifacts: Path) -> None:
    """Makes a missing database, checks the schema of an existing one, and finds artifacts that were moved with it.

    Args:
        path: The SQLite file.
        artifacts: The folder of artifacts of the folder of tracking.

    Raises:
        InputError: If the file is no database, or has the schema of another version of MLflow.
        OSError: If it cannot be made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if not _is_whole(path):
        with locked(path.with_name(f".{path.name}.lock")):  # two new runs may begin at once
            if not _is_whole(path):
                _make(path, artifacts)
    if path.absolute().parent == artifacts.absolute().parent:
        with suppress(sqlite3.OperationalError):  # may only be read, or is busy; the run folders have copies
            _follow(path, artifacts.resolve())


def _make(path: Path, artifacts: Path) -> None:
    """Writes a new database beside its place, and renames it when it is complete."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    if path.exists():
        aside = path.with_name(f"{path.name}.{datetime.now(UTC):%Y%m%d-%H%M%S}")
        os.replace(path, aside)
        _log.warning("%s holds no run and cannot be opened: it is now %s, and made anew.", path, aside.name)
    # in memory, since MLflow migrates a new file in hundreds of steps, each of which waits for the disk
    store: Any = SqlAlchemyStore("sqlite://", artifacts.absolute().as_uri())  # type: ignore[no-untyped-call]
    try:
        with whole_file(path) as partial:
            for left_over in (partial, partial.with_name(f"{partial.name}-journal")):  # of a killed process
                left_over.unlink(missing_ok=True)
            with closing(sqlite3.connect(partial)) as file, closing(store.engine.raw_connection()) as memory:
                memory.driver_connection.backup(file)
    finally:
        store.engine.dispose()  # the next one starts from an empty memory


def _is_whole(path: Path) -> bool:
    """Whether a database can be used; False if it is missing, or holds no run and was never completed.

    MLflow would migrate a database of another version in place, where a kill in the middle ruins it.
    """
    if path.exists() and not path.is_file():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not path.is_file() or not path.stat().st_size:
        return False
    try:
        with closing(_connect(path)) as connection:
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if not tables & {"experiments", _RUNS, _VERSION}:  # of another program, beside whose tables MLflow's can be
                return True
            row = connection.execute(f"SELECT version_num FROM {_VERSION}").fetchone() if _VERSION in tables else None
            has_runs = _RUNS in tables and connection.execute(f"SELECT 1 FROM {_RUNS}").fetchone() is not None
    except sqlite3.OperationalError:  # busy; MLflow waits longer
        return True
    except sqlite3.DatabaseError as error:
        raise InputError(
            f"{path}: is no database, or a damaged one ({error}). Put a backup in its place or move it away; the folders of "
            "the runs hold all figures."
        ) from error
    is_in_part = row is None or any(name.startswith(_TEMPORARY) for name in tables)
    if row is not None and not is_in_part and row[0] == _newest_version():
        return True
    if is_in_part and has_runs:
        raise InputError(
            f"{path}: a change of its schema was interrupted, so MLflow cannot open it. Put a backup in its place or move "
            "it away; the folders of the runs hold all figures."
        )
    if has_runs:
        raise InputError(
            f"{path}: was written by another version of MLflow. Copy it, then run mlflow db upgrade "
            f"'{sqlite_address(path)}'; if that version is newer than the one installed, install it."
        )
    return False


@cache
def _newest_version() -> str:
    from mlflow.store.db.utils import _get_latest_schema_revision

    return str(_get_latest_schema_revision())  # type: ignore[no-untyped-call]


def _connect(path: Path) -> sqlite3.Connection:
    # only a connection that may write can undo what a killed process has left half written
    mode = "rw" if os.access(path, os.W_OK) and os.access(path.absolute().parent, os.W_OK) else "ro"
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, timeout=_BUSY_SECONDS)


def _follow(path: Path, artifacts: Path) -> None:
    """Corrects the absolute locations of artifacts in a database that was moved or copied together with them."""
    with closing(_connect(path)) as connection, connection:
        for experiment, location in connection.execute(
            "SELECT experiment_id, artifact_location FROM experiments"
        ).fetchall():
            root = _root(str(location), str(experiment))
            if root is None or root.resolve() == artifacts:
                continue
            runs = connection.execute("SELECT run_uuid FROM runs WHERE experiment_id = ?", (experiment,))
            if root.exists() and not any((artifacts / run).is_dir() for (run,) in runs):
                continue  # artifacts of another folder of tracking
            before = (
                str(location).removesuffix(f"/{experiment}") if not str(location).endswith("/artifacts") else location
            )
            for table, column in (("experiments", "artifact_location"), ("runs", "artifact_uri")):
                connection.execute(
                    f"UPDATE {table} SET {column} = ? || substr({column}, ?) "
                    f"WHERE experiment_id = ? AND substr({column}, 1, ?) = ?",
                    (artifacts.as_uri(), len(before) + 1, experiment, len(before), before),
                )


def _root(location: str, experiment: str) -> Path | None:
    """The folder of all artifacts above the location of an experiment; None for other places than folders of tracking."""
    parts = urlparse(location)
    if parts.scheme not in ("file", ""):
        return None
    path = Path(unquote(parts.path) if parts.scheme else location)
    path = path.parent if path.name == experiment else path
    return path if path.name == "artifacts" and path.is_absolute() else None
