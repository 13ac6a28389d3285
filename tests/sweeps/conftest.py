"""Databases that need not outlive a power cut, and a server of one's own."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

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
def server_folder() -> Iterator[Path]:
    """An empty folder for a server of PostgreSQL, whose user must be able to enter it.

    Pytest closes the folder of `tmp_path` to all other users whenever another session of it starts.
    """
    if postgres_binaries() is None:
        pytest.skip("needs PostgreSQL: apt-get install postgresql")
    with TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.fixture
def postgres(server_folder: Path, free_port: int) -> Iterator[PostgresServer]:
    """A server of PostgreSQL that can be taken away and given back."""
    server = PostgresServer(server_folder / "postgres", free_port)
    server.start()
    yield server
    server.stop()
