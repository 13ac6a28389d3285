"""Opens Optuna's database and its studies."""

import logging
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import optuna
import sqlalchemy
from optuna.storages import RDBStorage
from optuna.storages._rdb.models import BaseModel
from optuna.trial import TrialState

from datamodules.addresses import masked, resolved, sqlite_file
from datamodules.errors import InputError
from sweeps.connections import GRACE_SECONDS, engine_options, lock_whole_transactions, opening_options, wait_for_server
from sweeps.search_space import what_differs
from sweeps.settings import SweepSettings
from sweeps.trial_cache import TrialCache

T = TypeVar("T")
_log = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 30
_ATTEMPTS = 5  # to open a database
# Signs in messages that another process creates the tables at the same time, or that a server is busy or just starting.
_PASSING = (
    "already exists",
    "UNIQUE constraint",
    "duplicate key",
    "database is locked",
    "too many clients",
    "connection slots",
    "starting up",
)
STORAGE_ERRORS = (sqlalchemy.exc.SQLAlchemyError, optuna.exceptions.StorageInternalError)
# Earlier versions stored this part of the identity under another name, as a digest of options with their old names.
_EARLIER = {"configuration": "config"}
_OPTIONS = {"objective": "score", "code": "version of the code"}  # names in messages for parts of the identity
_ASSUMED = {"strategy": "full"}  # of studies from before a part of the identity existed
HELD = (
    TrialState.RUNNING,
    TrialState.COMPLETE,
    TrialState.PRUNED,
)  # states of attempts that other workers must not repeat


def open_storage(url: str) -> RDBStorage:
    """Opens the database of an SQLAlchemy URL, and creates its tables if needed.

    Raises:
        InputError: If it cannot be used.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    url = resolved(url)
    is_sqlite = url.startswith("sqlite")
    if is_sqlite:
        _make_folder(url)
    for attempt in range(_ATTEMPTS):
        try:
            _make_tables(url)
            storage = RDBStorage(
                _literal(url),
                engine_kwargs=engine_options(url),
                heartbeat_interval=HEARTBEAT_SECONDS,
                grace_period=GRACE_SECONDS,
                skip_compatibility_check=True,
                skip_table_creation=True,
            )
            break
        except ImportError as error:
            raise InputError(
                f"--storage {masked(url)}: its driver is missing ({error.__cause__ or error}). Install it; for "
                "PostgreSQL with pip install -e '.[postgres]' in the project's folder."
            ) from error
        except Exception as error:
            if attempt == _ATTEMPTS - 1 or not any(sign in str(error) for sign in _PASSING):
                raise InputError(
                    f"--storage {masked(url)}: cannot be used ({_first_line(error)}). Start the database, or "
                    "give another, such as sqlite:///mlruns/optuna.db."
                ) from error
            time.sleep(0.2 * 2**attempt)
    if is_sqlite:
        lock_whole_transactions(storage.engine)
    else:
        wait_for_server(storage.engine)
    return storage


def open_study(
    storage: RDBStorage, name: str, directions: int, identity: Mapping[str, str], is_replaceable: bool = False
) -> optuna.Study:
    """Opens the study of a name. It is created if it does not exist, and again if it has no trials.

    Args:
        storage: The database.
        name: Name of the study.
        directions: Number of values of a trial.
        identity: Settings that all trials share.
        is_replaceable: Whether a study of other settings is created again although it has finished trials.

    Raises:
        InputError: If the study exists with other settings.
    """

    def create() -> optuna.Study:
        return optuna.create_study(
            storage=TrialCache(storage), study_name=name, directions=["minimize"] * directions, load_if_exists=True
        )

    study = create()
    trials = study.get_trials(deepcopy=False)
    stored = {**(_ASSUMED if trials else {}), **study.user_attrs}
    missing = {key for key in identity if key not in stored and _EARLIER.get(key) not in stored}
    if len(study.directions) != directions or (trials and missing):
        raise InputError(
            f"study {name} does not belong to this project, or has another number of scores. Give another --study."
        )
    is_another = any(stored.get(key, value) != value for key, value in identity.items())
    needed = (TrialState.RUNNING,) if is_replaceable else HELD
    if is_another and not any(trial.state in needed for trial in trials):
        optuna.delete_study(study_name=name, storage=storage)  # a first attempt without results
        study = create()
        stored = study.user_attrs
    require_identity(study, identity, stored)
    for key in [key for key in identity if key not in stored]:
        if _EARLIER.get(key) in stored:
            _log.warning(
                "study %s was started with an earlier version: make sure that --config is the same as then.", name
            )
        study.set_user_attr(key, identity[key])
    return study


def require_identity(study: optuna.Study, identity: Mapping[str, str], stored: Mapping[str, Any] | None = None) -> None:
    """Refuses settings that differ from those of a study's trials.

    Args:
        study: The study.
        identity: The settings.
        stored: Those of the trials; by default the attributes of the study.

    Raises:
        InputError: If the study was started with other settings.
    """
    for key, value in (study.user_attrs if stored is None else stored).items():
        if identity.get(key, value) != value:
            change = what_differs(value, identity[key]) if key == "space" else f"{value}; now {identity[key]}"
            raise InputError(
                f"study {study.study_name} was started with another {_OPTIONS.get(key, key)} ({change}), so its "
                "trials are not comparable. Give another --study, or the original setting."
            )


def search_study(settings: SweepSettings, storage: RDBStorage) -> optuna.Study:
    """The study of the search; its trials are ratios."""
    return open_study(storage, settings.study, len(settings.scores), settings.identity)


def confirmation_study(settings: SweepSettings, storage: RDBStorage) -> optuna.Study:
    """The study of the confirmation; its trials are trainings of ratios from fresh seeds."""
    return open_study(storage, f"{settings.study}/confirmation", 1, {})


def summary_study(settings: SweepSettings, storage: RDBStorage) -> optuna.Study:
    """The study of the summaries, so that only one of several machines makes each summary."""
    return open_study(storage, f"{settings.study}/summary", 1, {})


def patiently(ask: Callable[[], T]) -> T:
    """Repeats a query while the database cannot be reached, so that its restart does not end a sweep.

    Args:
        ask: The query, which must be safe to repeat.
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
    """Converts the errors of an unreachable database to one line.

    Raises:
        InputError: If the database cannot be reached.
    """
    try:
        yield
    except STORAGE_ERRORS as error:
        raise InputError(
            f"--storage {masked(url)}: cannot be reached any more ({_first_line(error)}). Start the database, "
            "then repeat the command, which continues the sweep."
        ) from error


def _make_folder(url: str) -> None:
    file = sqlite_file(url)
    if file is None:
        raise InputError(
            f"--storage {masked(url)}: a database in memory cannot be shared. Give a file, such as sqlite:///optuna.db."
        )
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"--storage {masked(url)}: cannot be written ({error.strerror}). Give another.") from error


def _make_tables(url: str) -> None:
    """Creates Optuna's tables if needed, and checks their version."""
    engine = RDBStorage(_literal(url), engine_kwargs=opening_options(url)).engine
    if url.startswith("sqlite"):
        _complete_indexes(engine)
    engine.dispose()


def _complete_indexes(engine: sqlalchemy.Engine) -> None:
    """Creates the indexes of tables that have none yet, since a new SQLite file is not made in one step.

    A process that is killed on the way, or is on its way still, has made the table of studies without the index by
    which two studies cannot have the same name, and Optuna creates no index of a table that exists.
    """
    for table in BaseModel.metadata.tables.values():
        for index in table.indexes:
            index.create(engine, checkfirst=True)


def _literal(url: str) -> str:
    """A URL for Optuna, which takes braces for placeholders; in the path of a file they are its own."""
    return url.replace("{", "{{").replace("}", "}}") if url.startswith("sqlite") else url


def _first_line(error: BaseException) -> str:
    return masked((str(error).strip().splitlines() or [type(error).__name__])[0])
