"""Uploads the entries of a journal to MLflow: each arrives, waits, or is recorded as refused.

Artifacts may lie in another store than figures, and are uploaded after them, so that a fault of the one does not hold up
the other.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from datamodules.addresses import masked
from datamodules.errors import InputError
from lightning_module.tracking.journal import Entry, Journal
from lightning_module.tracking.mlflow_store import COPY_TAG, ENDED_BY, HEARTBEAT, KEY_TAG, MlflowStore, signs_of_life
from lightning_module.tracking.moved_runs import anew
from lightning_module.tracking.store_faults import deleted_run, first_line

_log = logging.getLogger(__name__)

_REFUSED = ("INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST", "RESOURCE_ALREADY_EXISTS", "BAD_REQUEST")
_PER_CALL = 100  # MLflow's limit for parameters and tags


class ArtifactStoreError(Exception):
    """The artifact store does not take a file, which says nothing about the tracking store."""


class _RefusedError(Exception):
    """MLflow refuses an entry, or a part of it, as it is."""


class _RunMissingError(Exception):
    """The store holds no run of this id any more, so that the whole journal is to be sent again."""


def send_entries(store: MlflowStore, journal: Journal, experiment: str) -> None:
    """Uploads the pending entries of a journal in order, except for artifacts, which wait for `send_artifacts`.

    Args:
        store: The tracking store.
        journal: The run's journal.
        experiment: Name of the experiment of a run whose own description is damaged.

    Raises:
        InputError: If the experiment or the run was deleted in MLflow; all entries stay pending.
    """
    _ = store.client  # whose faults are those of no entry
    if journal.damaged_lines:
        _log.warning("%s: %d lines are damaged and cannot be uploaded.", journal.folder.journal, journal.damaged_lines)
    try:
        _advance(store, journal, experiment)
    except _RunMissingError as error:
        _log.warning("%s", error)
        _advance(store, journal, experiment)
    finally:
        journal.delivered(journal.delivery)


def _advance(store: MlflowStore, journal: Journal, experiment: str) -> None:
    if journal.delivery.run_id is None:
        run_id = _create(store, journal, experiment)
        journal.delivered(replace(journal.delivery, run_id=run_id, uri=store.uri))
    for number, entry in journal.unsent():
        run_id, delivery = str(journal.delivery.run_id), replace(journal.delivery, sent=number + 1)
        if entry.kind == "artifact":
            delivery = replace(delivery, waiting=(*delivery.waiting, number))
        else:
            try:
                _send(store, run_id, entry, journal.folder.key)
            except Exception as error:
                if not _is_refusal(error):
                    raise
                _require_run(store, run_id, journal)
                _log.warning(
                    "MLflow refused a %s entry of run %s: %s", entry.kind, journal.folder.key, first_line(error)
                )
                delivery = replace(delivery, refused=(*delivery.refused, number))
        journal.advance(delivery)


def _is_refusal(error: Exception) -> bool:
    """Whether an error is about what is sent, be it MLflow's or that of an entry whose line was damaged."""
    if isinstance(error, InputError):
        return False
    is_damaged = isinstance(error, (KeyError, TypeError, ValueError, AttributeError))
    return is_damaged or isinstance(error, _RefusedError) or getattr(error, "error_code", None) in _REFUSED


def _require_run(store: MlflowStore, run_id: str, journal: Journal) -> None:
    """Raises an error if the fault is that of the run, rather than that of an entry."""
    run = store.run(run_id)
    if run is None:
        journal.delivered(anew(store.uri, is_copy=journal.delivery.copy is not None))
        raise _RunMissingError(
            f"{store.uri}: does not hold run {journal.folder.key} any more, so all of it is sent again."
        )
    if run.info.lifecycle_stage == "deleted":
        store.experiment_id(store.client.get_experiment(run.info.experiment_id).name)  # raises if that was deleted
        raise deleted_run(journal.folder.key, run_id, store.uri)


def _send(store: MlflowStore, run_id: str, entry: Entry, key: str) -> None:
    from mlflow.entities import Metric, Param, RunTag

    content, client = entry.content, store.client
    match entry.kind:
        case "resume":
            client.update_run(run_id, status="RUNNING")
            own_tags = {**_signs(entry), KEY_TAG: key}  # of a folder that may have another name by now
            client.log_batch(run_id, tags=[RunTag(name, value) for name, value in own_tags.items()])
            if ENDED_BY in client.get_run(run_id).data.tags:
                client.delete_tag(run_id, ENDED_BY)
        case "params":
            params = [Param(name, str(value)) for name, value in content.items()]
            _in_parts(params, lambda part: client.log_batch(run_id, params=part))
        case "tags":
            tags = [RunTag(name, str(value)) for name, value in content.items()]
            _in_parts(tags, lambda part: client.log_batch(run_id, tags=part))
        case "metrics":
            step: int = content["step"]
            metrics = [Metric(name, value, entry.time_ms, step) for name, value in content["values"].items()]
            _in_parts(metrics, lambda part: client.log_batch(run_id, metrics=part))
        case "end":
            client.set_terminated(run_id, content["status"], end_time=entry.time_ms)


def _signs(entry: Entry | None) -> dict[str, str]:
    """Signs of life of the process that wrote an entry, at that time."""
    signs = entry.content.get("signs") if entry is not None else None
    if entry is None or not isinstance(signs, dict):  # earlier versions recorded none
        return signs_of_life()
    return {**signs, HEARTBEAT: f"{entry.time_ms / 1000:.0f}"}


def _in_parts(items: list[Any], send: Callable[[list[Any]], object]) -> None:
    """Sends items together. If MLflow refuses them, each is sent alone, so that one does not take others with it.

    Raises:
        _RefusedError: If MLflow refuses one or more of them.
    """
    refused: dict[str, Exception] = {}
    for start in range(0, len(items), _PER_CALL):
        part = items[start : start + _PER_CALL]
        try:
            send(part)
        except Exception as error:
            if not _is_refusal(error):
                raise
            for item in part:
                try:
                    send([item])
                except Exception as own_error:
                    if not _is_refusal(own_error):
                        raise
                    refused[item.key] = own_error
    if refused:
        raise _RefusedError(f"{', '.join(refused)} ({first_line(next(iter(refused.values())))})")


def _create(store: MlflowStore, journal: Journal, experiment: str) -> str:
    """Creates the run in MLflow, unless it was created before the journal recorded that."""
    created, key, copy = journal.created, journal.folder.key, journal.delivery.copy
    content: Mapping[str, Any] = created.content if created is not None else {}
    experiment_id = store.experiment_id(str(content.get("experiment", experiment)))
    existing = store.find_run(experiment_id, key, copy)
    if existing is not None:
        return existing
    own_tags = {**_signs(created), KEY_TAG: key} | ({COPY_TAG: copy} if copy else {})
    tags, name = dict(content.get("tags", {})), str(content.get("name", key))
    start = created.time_ms if created is not None else None
    try:
        run = store.client.create_run(experiment_id, start_time=start, tags={**tags, **own_tags}, run_name=name)
    except Exception as error:
        if not _is_refusal(error):
            raise
        run = store.client.create_run(experiment_id, start_time=start, tags=own_tags, run_name=name[:_PER_CALL])
        _send_tags(store, run.info.run_id, tags, key)
    return str(run.info.run_id)


def _send_tags(store: MlflowStore, run_id: str, tags: Mapping[str, str], key: str) -> None:
    try:
        _send(store, run_id, Entry("tags", dict(tags)), key)
    except _RefusedError as error:
        _log.warning("MLflow refused tags of run %s: %s", key, first_line(error))


def send_artifacts(store: MlflowStore, journal: Journal) -> None:
    """Uploads the artifacts that wait, each newest version once.

    Args:
        store: The tracking store.
        journal: The run's journal.

    Raises:
        InputError: If the experiment or the run was deleted in MLflow.
        ArtifactStoreError: If an artifact cannot be stored.
    """
    waiting = [(number, _target(entry)) for number, entry in journal.waiting()]
    newest = {target: number for number, target in waiting}
    for number, target in waiting:
        try:
            # a file that was written again since is uploaded once
            is_refused = newest[target] == number and not _is_stored(store, journal, *target)
        except PermissionError as error:
            _log.warning("%s: cannot be read (%s), so it is not uploaded yet.", error.filename, error.strerror)
            continue
        delivery = journal.delivery
        left = tuple(other for other in delivery.waiting if other != number)
        refused = (*delivery.refused, number) if is_refused else delivery.refused
        journal.advance(replace(delivery, waiting=left, refused=refused))
    journal.delivered(journal.delivery)


def _target(entry: Entry) -> tuple[str, str]:
    return str(entry.content.get("file", "")), str(entry.content.get("to", ""))


def _is_stored(store: MlflowStore, journal: Journal, file: str, to: str) -> bool:
    """Uploads a file of the run's folder, unless it is gone; False if MLflow refuses it."""
    path, run_id = journal.folder.path / file, str(journal.delivery.run_id)
    if ".." in Path(file).parts or not path.is_relative_to(journal.folder.path):  # a damaged line, or a stranger's
        return False
    if not path.is_file():
        return True
    path.open("rb").close()  # its fault would otherwise be that of the store
    try:
        store.client.log_artifact(run_id, str(path), to or None)
    except Exception as error:
        if not _is_refusal(error):
            raise ArtifactStoreError(f"{_place(store, run_id)} ({first_line(error)})") from error
        _require_run(store, run_id, journal)
        _log.warning("MLflow refused the artifact %s: %s", path, first_line(error))
        return False
    return True


def _place(store: MlflowStore, run_id: str) -> str:
    """Where the artifacts of a run are stored."""
    run = store.run(run_id)
    return store.uri if run is None else masked(str(run.info.artifact_uri).removesuffix(f"/{run_id}/artifacts"))
