"""Databases that need not outlive a power cut."""

from collections.abc import Iterator

import pytest
import sqlalchemy


@pytest.fixture(autouse=True)
def _quick_databases() -> Iterator[None]:
    def relax(connection: object, _: object) -> None:
        if type(connection).__module__.startswith("sqlite3"):
            connection.execute("PRAGMA synchronous=OFF")  # type: ignore[attr-defined]

    sqlalchemy.event.listen(sqlalchemy.Engine, "connect", relax)
    yield
    sqlalchemy.event.remove(sqlalchemy.Engine, "connect", relax)
