"""Optuna's database: opens it, and the studies in it."""

import logging
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import optuna
import sqlalchemy
from optuna.storages import RDBStorage
from optuna.trial import TrialState
from sqlalchemy.engine import make_url

from datamodules.errors import InputError
from sweeps.settings import SweepSettings

T = TypeVar("T")
_log = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 30
GRACE_SECONDS = 150  # a machine can be busy, or its network away, for a while
_SQLITE_SECONDS = 120  # to wait for another process that writes
_CONNECT_SECONDS = 10
_ATTEMPTS = 5  # at making the tables, which another process can be making at the same time
_MADE_AT_ONCE = ("already exists", "UNIQUE constraint", "duplicate key", "database is locked")
STORAGE_ERRORS = (sqlalchemy.exc.SQLAlchemyError, optuna.exceptions.StorageInternalError)
# What an earlier version stored in place of a part of the identity: a digest of options under their old names, which no
# configuration has any more.
_EARLIER = {"configuration": "config"}
_OPTIONS = {"objective": "score"}  # what a part of a study's identity is called on the command line
HELD = (TrialState.RUNNING, TrialState.COMPLETE, TrialState.PRUNED)  # what keeps others off a job


def open_storage(url: str) -> RDBStorage:
    """The database at an address of SQLAlchemy's, with its tables.

    Raises:
        InputError: If it cannot be reached.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    is_sqlite = url.startswith("sqlite")
    if is_sqlite:
        _make_folder(url)
    options: dict[str, Any] = {"connect_args": {"timeout": _SQLITE_SECONDS}} if is_sqlite else {"pool_pre_ping": True}
    if url.startswith("postgresql"):
        options["connect_args"] = {"connect_timeout": _CONNECT_SECONDS}
    for attempt in range(_ATTEMPTS):
        try:
            storage = RDBStorage(
                url, engine_kwargs=options, heartbeat_interval=HEARTBEAT_SECONDS, grace_period=GRACE_SECONDS
            )
            break
        except ImportError as error:
            raise InputError(
                f"--storage {shown(url)}: its driver is missing ({error.__cause__ or error}). Install it; for "
                "PostgreSQL with pip install -e '.[postgres]' in the project's folder."
            ) from error
        except Exception as error:
            if attempt == _ATTEMPTS - 1 or not any(sign in str(error) for sign in _MADE_AT_ONCE):
                raise InputError(
                    f"--storage {shown(url)}: cannot be used ({_first_line(error)}). Start the database, or "
                    "give another, such as sqlite:///mlruns/optuna.db."
                ) from error
            time.sleep(0.2 * 2**attempt)
    if is_sqlite:
        _lock_whole_transactions(storage.engine)
    else:
        _wait_for_server(storage.engine)
    return storage


def open_study(storage: RDBStorage, name: str, directions: int, identity: Mapping[str, str]) -> optuna.Study:
    """The study of this name, made where there is none, and anew where nothing was done in it.

    Raises:
        InputError: If the one that is there was asked for something else.
    """

    def create() -> optuna.Study:
        return optuna.create_study(
            storage=storage, study_name=name, directions=["minimize"] * directions, load_if_exists=True
        )

    study = create()
    trials = study.get_trials(deepcopy=False)
    missing = {key for key in identity if key not in study.user_attrs and _EARLIER.get(key) not in study.user_attrs}
    if len(study.directions) != directions or (trials and missing):
        raise InputError(
            f"study {name} is none of this project's, or has another number of scores. Give another --study."
        )
    is_another = any(study.user_attrs.get(key, value) != value for key, value in identity.items())
    if is_another and not any(trial.state in HELD for trial in trials):
        optuna.delete_study(study_name=name, storage=storage)  # a first try that came to nothing
        study = create()
    begun_with = study.user_attrs
    for key, value in identity.items():
        if key not in begun_with:
            if _EARLIER.get(key) in begun_with:
                _log.warning(
                    "study %s was begun with an earlier version: make sure that --config is what it was begun with.",
                    name,
                )
            study.set_user_attr(key, value)
        elif begun_with[key] != value:
            raise InputError(
                f"study {name} was begun with another {_OPTIONS.get(key, key)} ({begun_with[key]}; now {value}), and "
                "trials of both do not compare. Give another --study, or what it was begun with."
            )
    return study


def search_study(settings: SweepSettings, storage: RDBStorage) -> optuna.Study:
    """Its trials are ratios."""
    return open_study(storage, settings.study, len(settings.scores), settings.identity)


def confirmation_study(settings: SweepSettings, storage: RDBStorage) -> optuna.Study:
    """Its trials are trainings of ratios from fresh seeds."""
    return open_study(storage, f"{settings.study}/confirmation", 1, {})


def summary_study(settings: SweepSettings, storage: RDBStorage) -> optuna.Study:
    """Its trials are summaries, so that one machine of several makes each."""
    return open_study(storage, f"{settings.study}/summary", 1, {})


def patiently(ask: Callable[[], T]) -> T:
    """Asks a database again where the connection broke in the middle, so that its restart ends no sweep.

    Args:
        ask: Can be called again whether or not it had an effect.
    """
    deadline = time.monotonic() + GRACE_SECONDS
    while True:
        try:
            return ask()
        except STORAGE_ERRORS:
            if time.monotonic() > deadline:
                raise
            time.sleep(1.0)


@contextmanager
def reachable(url: str) -> Iterator[None]:
    """Turns what a database raises when it goes away into one line.

    Raises:
        InputError: In its place.
    """
    try:
        yield
    except STORAGE_ERRORS as error:
        raise InputError(
            f"--storage {shown(url)}: cannot be reached any more ({_first_line(error)}). Start the database "
            "and the same command again: it goes on."
        ) from error


def shown(url: str) -> str:
    """An address without its password."""
    try:
        return make_url(url).render_as_string(hide_password=True)
    except sqlalchemy.exc.ArgumentError:
        return url


def _make_folder(url: str) -> None:
    database = make_url(url).database
    if not database:
        raise InputError(
            f"--storage {url}: a database in memory cannot be shared. Give a file, such as sqlite:///optuna.db."
        )
    try:
        Path(database).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"--storage {url}: cannot be written ({error.strerror}). Give another.") from error


def _wait_for_server(engine: sqlalchemy.Engine) -> None:
    """From now on, a server that goes away is waited for: its restart costs no fit."""

    @sqlalchemy.event.listens_for(engine, "do_connect")
    def _(dialect: Any, _record: object, args: list[Any], options: dict[str, Any]) -> Any:
        deadline = time.monotonic() + GRACE_SECONDS
        while True:
            try:
                return dialect.connect(*args, **options)
            except dialect.loaded_dbapi.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(1.0)


def _lock_whole_transactions(engine: sqlalchemy.Engine) -> None:
    """Lets one process at a time read and then write: SQLite by itself locks only the writing.

    Without it two workers can take the same trial.
    """

    @sqlalchemy.event.listens_for(engine, "connect")
    def _(connection: object, _record: object) -> None:
        connection.isolation_level = None  # type: ignore[attr-defined]  # no BEGIN of the driver's own

    @sqlalchemy.event.listens_for(engine, "begin")
    def _(connection: sqlalchemy.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    engine.dispose()  # connections that were made before


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
