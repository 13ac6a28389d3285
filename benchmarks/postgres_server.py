"""A PostgreSQL server of one's own, in a folder and on the loopback interface, for measurements and tests."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import psycopg

from datamodules.errors import InputError

_START_SECONDS = 60


def postgres_binaries() -> Path | None:
    """Folder of the programs of the newest PostgreSQL that is installed; None if none is."""
    return max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name), default=None)


class PostgresServer:
    """A server with PostgreSQL's default settings that can be stopped and started again.

    Args:
        data: Folder of its database, which must not exist yet.
        port: Port that it listens on.

    Raises:
        InputError: If PostgreSQL is not installed.
    """

    def __init__(self, data: Path, port: int) -> None:
        binaries = postgres_binaries()
        if binaries is None:
            raise InputError("PostgreSQL is not installed: run apt-get install postgresql.")
        as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []  # it refuses to run as root
        data.mkdir()
        if as_user:
            for folder in (data, *data.parents):
                if folder.owner() == "root" and folder not in map(Path, ("/", "/tmp")):
                    folder.chmod(folder.stat().st_mode | 0o011)
            shutil.chown(data, "postgres")
        make = [*as_user, binaries / "initdb", "-D", data, "-A", "trust", "-U", "weightmask"]
        subprocess.run(make, check=True, stdout=subprocess.DEVNULL, cwd="/")
        where = ["-D", data, "-p", str(port), "-k", "", "-c", "listen_addresses=127.0.0.1"]
        self._command = [*as_user, binaries / "postgres", *where]
        self._data = data
        self.url = f"postgresql://weightmask@127.0.0.1:{port}/postgres"

    def start(self) -> None:
        """Starts the server, and returns when it answers.

        Raises:
            TimeoutError: If it does not answer within a minute.
        """
        self._server = subprocess.Popen(self._command, stderr=subprocess.DEVNULL, cwd="/", start_new_session=True)
        deadline = time.monotonic() + _START_SECONDS
        while True:
            with contextlib.suppress(psycopg.OperationalError):
                psycopg.connect(self.url).close()
                return
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.url} does not answer")
            time.sleep(0.2)

    def stop(self) -> None:
        """Stops the server, which breaks all connections at once."""
        own = int((self._data / "postmaster.pid").read_text(encoding="utf-8").split()[0])
        os.kill(own, signal.SIGINT)
        self._server.wait(timeout=60)
