"""Writes journal entries to MLflow; no other code does."""

import logging
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datamodules.errors import InputError
from lightning_module.tracking.journal import Delivery, Entry, Journal
from lightning_module.tracking.liveness import is_running, machine_name, process_name
from lightning_module.tracking.runs_view import offer_view

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

_log = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 60.0
STALE_SECONDS = 10 * HEARTBEAT_SECONDS  # a machine can be busy or offline for a while
KEY_TAG, _HOST, _PROCESS, _HEARTBEAT = (f"weightmask.{name}" for name in ("key", "host", "process", "heartbeat"))
_ENDED_BY = "ended_by"
# An unreachable server must not block the sender for long, which tries again later.
_SETTINGS = {
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
}
_REFUSED = ("INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST", "RESOURCE_ALREADY_EXISTS", "BAD_REQUEST")


class MlflowStore:
    """One tracking store.

    Args:
        uri: Address of the store: sqlite:///FILE, http://HOST:PORT or postgresql://...
        artifacts: Folder of artifacts, for a store that does not keep them itself.
    """

    def __init__(self, uri: str, artifacts: Path) -> None:
        self.uri = uri
        self._artifacts = artifacts
        self._client: MlflowClient | None = None
        # takes two seconds; in this thread, since workers that are forked during an import would hang
        import mlflow.tracking  # noqa: F401

    @property
    def client(self) -> "MlflowClient":
        """MLflow's client; creating a new sqlite file takes seconds."""
        if self._client is None:
            for name, value in _SETTINGS.items():
                os.environ.setdefault(name, value)
            for chatty in ("alembic", "mlflow.store"):
                logging.getLogger(chatty).setLevel(logging.WARNING)
            from mlflow.tracking import MlflowClient

            if self.uri.startswith("sqlite:///"):
                Path(self.uri.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
            self._client = MlflowClient(self.uri)
        return self._client

    def prepare(self) -> None:
        """Creates the tables of a new sqlite file, or checks that a server answers.

        Raises:
            InputError: If the store cannot be used.
        """
        try:
            self.client.search_experiments(max_results=1)
        except Exception as error:
            # MLflow, SQLAlchemy and the file system raise exceptions of many types
            raise InputError(
                f"{self.uri}: cannot be used to track runs ({(str(error).strip().splitlines() or ['?'])[0][:200]}). "
                "Start the server, or give another address with --tracking.uri (--tracking_uri of a sweep)."
            ) from error

    def send_pending(self, journal: Journal) -> None:
        """Uploads the pending entries of a journal in order; raises what MLflow raises if the store is unreachable."""
        for entry in journal.pending():
            run_id = journal.delivery.run_id
            try:
                run_id = self._send(entry, run_id, journal)
            except Exception as error:
                if getattr(error, "error_code", None) not in _REFUSED:
                    raise
                _log.warning("MLflow refused a %s entry of run %s: %s", entry.kind, journal.folder.key, error)
            journal.delivered(Delivery(journal.delivery.sent + 1, run_id, self.uri))

    def beat(self, run_id: str) -> None:
        """Records that a run is alive."""
        self.client.set_tag(run_id, _HEARTBEAT, f"{time.time():.0f}")

    def mark_killed(self, experiment: str, own_id: str | None) -> list[str]:
        """Marks killed runs: those of this machine whose process has ended, and those with a stale heartbeat.

        Args:
            experiment: Name of the experiment to search.
            own_id: Id of the caller's run, which is alive.

        Returns:
            Names of the marked runs.
        """
        stored_experiment = self.client.get_experiment_by_name(experiment)
        if stored_experiment is None:
            return []
        killed = []
        for run in self.client.search_runs([stored_experiment.experiment_id], "attributes.status = 'RUNNING'"):
            tags = run.data.tags
            if run.info.run_id == own_id or _HEARTBEAT not in tags or not _is_dead(tags):
                continue
            self.client.set_tag(run.info.run_id, _ENDED_BY, "killed: its process has ended or its heartbeat is stale")
            self.client.set_terminated(run.info.run_id, "KILLED", end_time=int(float(tags[_HEARTBEAT]) * 1000))
            killed.append(run.info.run_name)
        return killed

    def end_running(self, experiment: str, tags: Mapping[str, str]) -> None:
        """Marks the running runs with these tags as killed, regardless of their heartbeat."""
        stored_experiment = self.client.get_experiment_by_name(experiment)
        if stored_experiment is None:
            return
        wanted = " and ".join(["attributes.status = 'RUNNING'", *(f"tags.`{k}` = '{v}'" for k, v in tags.items())])
        for run in self.client.search_runs([stored_experiment.experiment_id], wanted):
            self.client.set_tag(run.info.run_id, _ENDED_BY, "killed: another worker has repeated its trial")
            self.client.set_terminated(run.info.run_id, "KILLED")

    def _send(self, entry: Entry, run_id: str | None, journal: Journal) -> str | None:
        from mlflow.entities import Metric, Param, RunTag

        content = entry.content
        if entry.kind == "create":
            return self._create(content, entry.time_ms, journal.folder.key)
        if run_id is None:
            return None
        match entry.kind:
            case "resume":
                self.client.update_run(run_id, status="RUNNING")
                self.client.log_batch(run_id, tags=[RunTag(key, value) for key, value in _signs_of_life().items()])
                if _ENDED_BY in self.client.get_run(run_id).data.tags:
                    self.client.delete_tag(run_id, _ENDED_BY)
            case "params":
                params = [Param(name, str(value)) for name, value in content.items()]
                for start in range(0, len(params), 100):  # MLflow's limit a call
                    self.client.log_batch(run_id, params=params[start : start + 100])
            case "tags":
                self.client.log_batch(run_id, tags=[RunTag(name, str(value)) for name, value in content.items()])
            case "metrics":
                step: int = content["step"]
                metrics = [Metric(name, value, entry.time_ms, step) for name, value in content["values"].items()]
                self.client.log_batch(run_id, metrics=metrics)
            case "artifact":
                path = journal.folder.path / content["file"]
                if path.is_file():
                    self.client.log_artifact(run_id, str(path), content["to"] or None)
            case "end":
                self.client.set_terminated(run_id, content["status"], end_time=entry.time_ms)
        return run_id

    def _create(self, content: dict[str, Any], time_ms: int, key: str) -> str:
        experiment_id = self._experiment_id(content["experiment"])
        # created before, if the process was killed before the journal recorded it
        for run in self.client.search_runs([experiment_id], f"tags.`{KEY_TAG}` = '{key}'", max_results=1):
            return str(run.info.run_id)
        tags = {**content["tags"], **_signs_of_life(), KEY_TAG: key}
        run = self.client.create_run(experiment_id, start_time=time_ms, tags=tags, run_name=content["name"])
        return str(run.info.run_id)

    def _experiment_id(self, name: str) -> str:
        stored_experiment = self.client.get_experiment_by_name(name)
        if stored_experiment is not None:
            return str(stored_experiment.experiment_id)
        location = None if self.uri.startswith("http") else self._artifacts.resolve().as_uri()
        try:
            created = str(self.client.create_experiment(name, location))
        except Exception as error:
            # another process has created it in the meantime
            if getattr(error, "error_code", None) != "RESOURCE_ALREADY_EXISTS":
                raise
            return self._experiment_id(name)
        offer_view(self.client, created)
        return created


def _signs_of_life() -> dict[str, str]:
    return {_HOST: machine_name(), _PROCESS: process_name(os.getpid()), _HEARTBEAT: f"{time.time():.0f}"}


def _is_dead(tags: dict[str, str]) -> bool:
    if tags.get(_HOST) == machine_name() and _PROCESS in tags:
        return not is_running(tags[_PROCESS])
    return time.time() - float(tags[_HEARTBEAT]) > STALE_SECONDS
