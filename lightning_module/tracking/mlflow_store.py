"""A tracking store of MLflow: its client, its runs, and signs of life of a run."""

import logging
import os
import time
from collections.abc import Iterator, Mapping, Set
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datamodules.addresses import resolved, sqlite_file, with_credentials, without_credentials
from lightning_module.tracking.liveness import is_running, machine_name, process_name
from lightning_module.tracking.local_database import make_ready
from lightning_module.tracking.runs_view import offer_view
from lightning_module.tracking.store_faults import deleted_experiment, in_memory, unusable

if TYPE_CHECKING:
    from mlflow.entities import Run
    from mlflow.tracking import MlflowClient

HEARTBEAT_SECONDS = 60.0
STALE_SECONDS = 10 * HEARTBEAT_SECONDS  # a machine can be busy or offline for a while
KEY_TAG, COPY_TAG, _HOST, _PROCESS, HEARTBEAT = (
    f"weightmask.{name}" for name in ("key", "copy", "host", "process", "heartbeat")
)
ENDED_BY = "ended_by"
# An unreachable server must not block the sender for long, which tries again later.
_SETTINGS = {
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
}
_SILENT = "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"  # MLflow would print the address of a run with its password
# They log tracebacks of errors that this module reports in one line.
_LOGGERS = {"alembic": logging.WARNING, "mlflow.store": logging.CRITICAL, "urllib3.connectionpool": logging.ERROR}
_MISSING = "RESOURCE_DOES_NOT_EXIST"


class MlflowStore:
    """One tracking store.

    Args:
        uri: Address of the store: sqlite:///FILE, http://HOST:PORT or postgresql://...
        artifacts: Folder of artifacts, for a store that does not keep them itself.

    Attributes:
        uri: The address without user and password, as it may be shown and written.
        address: The address with them.
        artifacts: The folder of artifacts.
    """

    def __init__(self, uri: str, artifacts: Path) -> None:
        self.address = with_credentials(resolved(uri))
        self.uri = without_credentials(resolved(uri))
        self.artifacts = artifacts
        self._client: MlflowClient | None = None
        # takes two seconds; in this thread, since workers that are forked during an import would hang
        import mlflow.tracking  # noqa: F401

    @property
    def client(self) -> "MlflowClient":
        """MLflow's client; creating a new sqlite file takes seconds.

        Raises:
            InputError: If the file cannot be used.
        """
        if self._client is None:
            for name, value in _SETTINGS.items():
                os.environ.setdefault(name, value)
            os.environ[_SILENT] = "true"
            for name, level in _LOGGERS.items():
                logging.getLogger(name).setLevel(level)
            import mlflow.store.db.utils
            from mlflow.tracking import MlflowClient

            mlflow.store.db.utils.MAX_RETRY_COUNT = 1  # of ten, with pauses of 100 seconds in all
            file = sqlite_file(self.address)
            if file is not None:
                make_ready(file, self.artifacts)
            elif self.uri.startswith("sqlite"):
                raise in_memory(self.uri)
            self._client = MlflowClient(self.address)
        return self._client

    @contextmanager
    def answering(self) -> Iterator["MlflowClient"]:
        """The client, for commands that cannot do without it: whatever it raises becomes one line.

        Raises:
            InputError: If the store cannot be used.
        """
        try:
            yield self.client
        except Exception as error:  # MLflow, SQLAlchemy and the file system raise exceptions of many types
            raise unusable(error, self.uri) from error

    def prepare(self) -> None:
        """Creates the tables of a new sqlite file, or checks that a server answers.

        Raises:
            InputError: If the store cannot be used.
        """
        with self.answering() as client:
            client.search_experiments(max_results=1)

    def run(self, run_id: str) -> "Run | None":
        """A run; None if the store holds no run of this id."""
        try:
            return self.client.get_run(run_id)
        except Exception as error:
            if getattr(error, "error_code", None) != _MISSING:
                raise
            return None

    def beat(self, run_id: str) -> None:
        """Records that a run is alive."""
        self.client.set_tag(run_id, HEARTBEAT, f"{time.time():.0f}")

    def mark_killed(self, experiment: str, spared: Set[str]) -> list[str]:
        """Marks killed runs: those of this machine whose process has ended, and those with a stale heartbeat.

        Args:
            experiment: Name of the experiment to search.
            spared: Ids of runs that are alive, or whose end is still to be uploaded.

        Returns:
            Names of the marked runs.
        """
        killed = []
        for run in self._running(experiment):
            tags = run.data.tags
            if run.info.run_id in spared or not _is_dead(tags):
                continue
            self._end(
                run, "killed: its process has ended or its heartbeat is stale", int(float(tags[HEARTBEAT]) * 1000)
            )
            killed.append(run.info.run_name)
        return killed

    def end_running(self, experiment: str, tags: Mapping[str, str]) -> None:
        """Marks the running runs with these tags as killed, regardless of their heartbeat."""
        for run in self._running(experiment, tags):
            self._end(run, "killed: another worker has repeated its trial")

    def _running(self, experiment: str, tags: Mapping[str, str] | None = None) -> "list[Run]":
        stored = self.client.get_experiment_by_name(experiment)
        if stored is None:
            return []
        wanted = ["attributes.status = 'RUNNING'", *(f"tags.`{k}` = '{v}'" for k, v in (tags or {}).items())]
        return list(self.client.search_runs([stored.experiment_id], " and ".join(wanted)))

    def _end(self, run: "Run", reason: str, end_ms: int | None = None) -> None:
        self.client.set_tag(run.info.run_id, ENDED_BY, reason)
        self.client.set_terminated(run.info.run_id, "KILLED", end_time=end_ms)

    def find_run(self, experiment_id: str, key: str, copy: str | None) -> str | None:
        """Id of the run of a key, if it was created before the journal recorded that."""
        quote = '"' if "'" in key else "'"
        for run in self.client.search_runs([experiment_id], f"tags.`{KEY_TAG}` = {quote}{key}{quote}"):
            if run.data.tags.get(COPY_TAG) == copy:
                return str(run.info.run_id)
        return None

    def experiment_id(self, name: str) -> str:
        """Id of an experiment, which is created if it does not exist.

        Raises:
            InputError: If it was deleted.
        """
        stored = self.client.get_experiment_by_name(name)
        if stored is not None:
            if stored.lifecycle_stage == "deleted":
                raise deleted_experiment(name, stored.experiment_id, self.uri)
            return str(stored.experiment_id)
        location = None if self.uri.startswith("http") else self.artifacts.resolve().as_uri()
        try:
            created = str(self.client.create_experiment(name, location))
        except Exception as error:
            # another process has created it in the meantime
            if getattr(error, "error_code", None) != "RESOURCE_ALREADY_EXISTS":
                raise
            return self.experiment_id(name)
        offer_view(self.client, created)
        return created


def signs_of_life() -> dict[str, str]:
    """Tags by which other processes see whether a run is alive."""
    return {_HOST: machine_name(), _PROCESS: process_name(os.getpid()), HEARTBEAT: f"{time.time():.0f}"}


def _is_dead(tags: Mapping[str, Any]) -> bool:
    try:
        beat = float(tags[HEARTBEAT])
        if tags.get(_HOST) == machine_name() and _PROCESS in tags:
            return not is_running(tags[_PROCESS])
    except (KeyError, ValueError, IndexError):  # not a run of this project, or its tags were edited
        return False
    return time.time() - beat > STALE_SECONDS
