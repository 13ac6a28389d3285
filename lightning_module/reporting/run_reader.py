"""Finds runs in MLflow, and reads their evaluations."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from datamodules.errors import InputError
from lightning_module.evaluation.evaluation_record import FOLDER, EvaluationRecord, read_record
from lightning_module.tracking.mlflow_store import KEY_TAG, MlflowStore
from lightning_module.tracking.store_faults import deleted_experiment, first_line
from lightning_module.tracking.tracking_place import TrackingPlace

if TYPE_CHECKING:
    from mlflow.entities import Run

_log = logging.getLogger(__name__)

_MOST_RUNS = 1000


@dataclass(frozen=True, eq=False)
class EvaluatedRun:
    """A run with its evaluations.

    Attributes:
        run_id: Id in MLflow.
        name: Display name.
        key: Name of its folder.
        tags: All tags.
        records: Evaluations by slug of the data set.
    """

    run_id: str
    name: str
    key: str
    tags: dict[str, str]
    records: dict[str, EvaluationRecord]


def find_runs(place: TrackingPlace, chosen: Sequence[str], tags: Sequence[str]) -> list[EvaluatedRun]:
    """Runs with evaluations, the oldest first.

    Args:
        place: Where they are recorded.
        chosen: Names that runs are called by, see `is_called`; they also set the order. If empty, all runs of the
            experiment.
        tags: name=value pairs that a run must have.

    Raises:
        InputError: If a chosen run does not exist or was never tested, or no run is left.
    """
    store = MlflowStore(place.uri, place.artifacts)
    wanted = [_pair(tag) for tag in tags]
    with store.answering() as client:
        experiment = client.get_experiment_by_name(place.experiment)
        if experiment is None:
            raise InputError(
                f"{store.uri}: holds no experiment {place.experiment}. Set --tracking.experiment or --tracking.folder."
            )
        if experiment.lifecycle_stage == "deleted":
            raise deleted_experiment(place.experiment, experiment.experiment_id, store.uri)
        newest = client.search_runs(
            [experiment.experiment_id], order_by=["attributes.start_time DESC"], max_results=_MOST_RUNS
        )
    runs = [
        run
        for run in reversed(newest)
        if all(_has_tag(run, *pair) for pair in wanted) and run.data.tags.get("command") != "compare"
    ]
    if chosen:
        by_choice = [_tested(name, [run for run in runs if _matches(run, name)], store, place) for name in chosen]
        return list({run.run_id: run for matching in by_choice for run in matching}.values())
    evaluated = [
        run for run in (_read_or_left_out(run, store, place) for run in runs) if run is not None and run.records
    ]
    if not evaluated and tags:
        raise InputError(f"--tags {' '.join(tags)}: no tested run of the experiment {place.experiment} has these tags.")
    if not evaluated:
        raise InputError(f"{store.uri}: no run of {place.experiment} was ever tested.")
    return evaluated


def is_called(name: str, run_name: str, key: str, run_id: str) -> bool:
    """Whether a run is meant by a name.

    Args:
        name: The run's name, its first words, or the name as keys write it, such as `16-5-4-3-0-s0`; the key, its
            beginning or end; or the beginning of the id.
        run_name: The run's display name, such as `16-5-4-3-0 s0`.
        key: Name of its folder.
        run_id: MLflow's.
    """
    return (
        name in (run_name, run_name.replace(" ", "-"))
        or run_name.startswith(f"{name} ")
        or key.startswith(name)
        or key.endswith(f"-{name}")
        or run_id.startswith(name)
    )


def _pair(tag: str) -> tuple[str, str]:
    name, equals, value = tag.partition("=")
    if not (name and equals):
        raise InputError(f"--tags {tag}: give name=value, such as ratio=16:5:4:3:0.")
    return name, value


def _has_tag(run: "Run", name: str, value: str) -> bool:
    # the tag has the form 16-5-4-3-0, as in names of runs; papers and tables write 16:5:4:3:0
    values = (value, value.replace(":", "-")) if name == "ratio" else (value,)
    return run.data.tags.get(name) in values


def _tested(name: str, runs: "list[Run]", store: MlflowStore, place: TrackingPlace) -> list[EvaluatedRun]:
    """Those of the runs of a name that were tested."""
    if not runs:
        raise InputError(f"{name}: the experiment {place.experiment} has no such run. Look with python run.py ui.")
    evaluated = [run for run in (_read(run, store, place) for run in runs) if run.records]
    if not evaluated:
        raise InputError(f"{name}: was never tested. Test its checkpoint with python run.py test.")
    return evaluated


def _matches(run: "Run", name: str) -> bool:
    return is_called(name, str(run.info.run_name), str(run.data.tags.get(KEY_TAG, "")), run.info.run_id)


def _read_or_left_out(run: "Run", store: MlflowStore, place: TrackingPlace) -> EvaluatedRun | None:
    """A run that nobody asked for by name; None, with a warning, if its evaluations cannot be read."""
    try:
        return _read(run, store, place)
    except InputError as error:
        _log.warning("Left out: %s", error)
        return None


def _read(run: "Run", store: MlflowStore, place: TrackingPlace) -> EvaluatedRun:
    """A run with its evaluations in MLflow, or those in its own folder if its artifacts cannot be read, or are not there yet.

    Raises:
        InputError: If neither can be read.
    """
    info, tags = run.info, dict(run.data.tags)
    key = tags.get(KEY_TAG, info.run_id)
    own = place.runs / key / FOLDER
    records: dict[str, EvaluationRecord] = {}
    with TemporaryDirectory() as folder:
        try:
            if store.client.list_artifacts(info.run_id, FOLDER):
                records = _records(Path(store.client.download_artifacts(info.run_id, FOLDER, folder)))
        except Exception as error:  # artifact stores raise exceptions of many types
            if not own.is_dir():
                raise InputError(
                    f"run {info.run_name}: its artifacts cannot be read ({first_line(error)}). Make {info.artifact_uri} "
                    "readable, or test its checkpoint again."
                ) from error
    return EvaluatedRun(info.run_id, info.run_name, key, tags, records or _records(own))


def _records(folder: Path) -> dict[str, EvaluationRecord]:
    return {path.stem: read_record(path) for path in sorted(folder.glob("*.json"))}
