"""Servers of a test's own, on the loopback interface: PostgreSQL and MLflow's."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest
from mlflow.tracking import MlflowClient


class Postgres:
    """A server that can be taken away and given back.

    Args:
        data: Folder of its database, which is made.
        port: That it listens on.
    """

    def __init__(self, data: Path, port: int) -> None:
        binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
        if not binaries:
            pytest.skip("needs PostgreSQL: apt-get install postgresql")
        as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []  # it refuses to run as root
        data.mkdir()
        if as_user:
            for folder in (data, *data.parents):
                if folder.owner() == "root" and folder not in map(Path, ("/", "/tmp")):
                    folder.chmod(folder.stat().st_mode | 0o011)
            shutil.chown(data, "postgres")
        make = [*as_user, binaries[-1] / "initdb", "-D", data, "-A", "trust", "-U", "weightmask"]
        subprocess.run(make, check=True, stdout=subprocess.DEVNULL, cwd="/")
        where = ["-D", data, "-p", str(port), "-k", "", "-c", "listen_addresses=127.0.0.1"]
        self._command = [*as_user, binaries[-1] / "postgres", *where]
        self._data = data
        self.url = f"postgresql://weightmask@127.0.0.1:{port}/postgres"

    def start(self) -> None:
        """Returns when it answers."""
        self._server = subprocess.Popen(self._command, stderr=subprocess.DEVNULL, cwd="/", start_new_session=True)
        deadline = time.monotonic() + 60
        while True:
            with contextlib.suppress(psycopg.OperationalError):
                psycopg.connect(self.url).close()
                return
            assert time.monotonic() < deadline
            time.sleep(0.2)

    def stop(self) -> None:
        """Breaks all connections at once."""
        own = int((self._data / "postmaster.pid").read_text().split()[0])
        os.kill(own, signal.SIGINT)
        self._server.wait(timeout=60)


class MlflowServer:
    """A tracking server that can be killed, and started again with what it holds.

    Args:
        folder: Of its database and its artifacts.
        port: That it listens on.
    """

    def __init__(self, folder: Path, port: int) -> None:
        where = ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
        stores = ["--backend-store-uri", f"sqlite:///{folder / 'server.db'}", "--artifacts-destination"]
        self._command = [sys.executable, "-m", "mlflow", "server", *where, *stores, str(folder / "server")]
        self.url = f"http://127.0.0.1:{port}"

    def start(self) -> None:
        """Returns when it answers."""
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self._server = subprocess.Popen(self._command, start_new_session=True, **quiet)
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            try:
                MlflowClient(self.url).search_experiments(max_results=1)
                return
            except Exception:  # noqa: BLE001  # not up yet
                time.sleep(0.5)
        raise AssertionError("the server did not start")

    def kill(self) -> None:
        """Ends it and its workers, which get no time to tidy up."""
        os.killpg(self._server.pid, signal.SIGKILL)
        self._server.wait()
