"""Databases that need not outlive a power cut, and a server of one's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy

from benchmarks.postgres_server import PostgresServer, postgres_binaries


@pytest.fixture(autouse=True)
def _quick_databases() -> Iterator[None]:
    def relax(connection: object, _: object) -> None:
        if type(connection).__module__.startswith("sqlite3"):
            connection.execute("PRAGMA synchronous=OFF")  # type: ignore[attr-defined]

    sqlalchemy.event.listen(sqlalchemy.Engine, "connect", relax)
    yield
    sqlalchemy.event.remove(sqlalchemy.Engine, "connect", relax)


@pytest.fixture
def postgres(tmp_path: Path, free_port: int) -> Iterator[PostgresServer]:
    """A server of PostgreSQL that can be taken away and given back."""
    if postgres_binaries() is None:
        pytest.skip("needs PostgreSQL: apt-get install postgresql")
    server = PostgresServer(tmp_path / "postgres", free_port)
    server.start()
    yield server
    server.stop()
