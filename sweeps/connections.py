"""How a worker connects to Optuna's database: with one connection, which outlives a restart of the server."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import blake2b
from typing import Any

import sqlalchemy
from sqlalchemy.exc import SQLAlchemyError

GRACE_SECONDS = 150  # a machine can be busy or offline for a while
_SQLITE_SECONDS = 120  # time to wait while another process writes
_CONNECT_SECONDS = 10


def engine_options(url: str) -> dict[str, Any]:
    """Arguments of SQLAlchemy's `create_engine` for a database.

    A process has one connection to a server, which its threads share, so that many workers can share the server:
    PostgreSQL accepts 100 connections unless it is told otherwise.

    Args:
        url: SQLAlchemy URL.
    """
    if url.startswith("sqlite"):
        return {"connect_args": {"timeout": _SQLITE_SECONDS}}
    # a thread must wait for another that waits for the server
    options: dict[str, Any] = {
        "pool_pre_ping": True,
        "pool_size": 1,
        "max_overflow": 0,
        "pool_timeout": 2 * GRACE_SECONDS,
    }
    if url.startswith("postgresql"):
        options["connect_args"] = {"connect_timeout": _CONNECT_SECONDS}
    return options


def opening_options(url: str) -> dict[str, Any]:
    """The same for the moment of opening, when Optuna asks for a second connection before it returns the first.

    Args:
        url: SQLAlchemy URL.
    """
    options = {name: value for name, value in engine_options(url).items() if name == "connect_args"}
    return options if url.startswith("sqlite") else {**options, "poolclass": sqlalchemy.StaticPool}


def wait_for_server(engine: sqlalchemy.Engine) -> None:
    """Makes new connections wait for an unreachable server, so that its restart does not fail a fit."""

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


def lock_whole_transactions(engine: sqlalchemy.Engine) -> None:
    """Makes transactions exclusive from their first read on; SQLite itself locks only for writing.

    Without this, two workers could take the same trial.
    """

    @sqlalchemy.event.listens_for(engine, "connect")
    def _(connection: object, _record: object) -> None:
        connection.isolation_level = None  # type: ignore[attr-defined]  # disables the driver's own BEGIN

    @sqlalchemy.event.listens_for(engine, "begin")
    def _(connection: sqlalchemy.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    engine.dispose()  # closes earlier connections


@contextmanager
def alone(engine: sqlalchemy.Engine, purpose: str) -> Iterator[bool]:
    """Whether this process is the only one that does something now; True on databases without advisory locks.

    PostgreSQL releases the lock if the process dies. It belongs to the connection, of which `engine_options` allows one,
    and is lost when that breaks; what is done alone must therefore be harmless when done twice.

    Args:
        engine: The database.
        purpose: What is done.
    """
    if engine.dialect.name != "postgresql":
        yield True
        return
    key = int.from_bytes(blake2b(purpose.encode(), digest_size=8).digest(), signed=True)
    is_alone = _call(engine, sqlalchemy.func.pg_try_advisory_lock(key))
    try:
        yield is_alone
    finally:
        if is_alone:
            with suppress(SQLAlchemyError):  # released with its connection
                _call(engine, sqlalchemy.func.pg_advisory_unlock(key))


def _call(engine: sqlalchemy.Engine, function: sqlalchemy.ColumnElement[Any]) -> bool:
    with engine.connect() as connection:
        return bool(connection.scalar(sqlalchemy.select(function)))
