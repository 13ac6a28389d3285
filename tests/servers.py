"""A server of a test's own, on the loopback interface: MLflow's."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from mlflow.tracking import MlflowClient


class MlflowServer:
    """A tracking server that can be killed, and started again with what it holds.

    Args:
        folder: Of its database and its artifacts.
        port: That it listens on.
        artifacts: Address of another store of artifacts, to which clients write themselves; None for `folder`.
    """

    def __init__(self, folder: Path, port: int, artifacts: str | None = None) -> None:
        where = ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
        stores = ["--backend-store-uri", f"sqlite:///{folder / 'server.db'}"]
        if artifacts is None:
            stores += ["--artifacts-destination", str(folder / "server")]
        else:
            stores += ["--default-artifact-root", artifacts, "--no-serve-artifacts"]
        self._command = [sys.executable, "-m", "mlflow", "server", *where, *stores]
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
