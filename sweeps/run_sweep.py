"""Runs a sweep: search, confirmation and report."""

import logging
import sys
import time
from collections.abc import Sequence
from typing import get_args

import optuna
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState
from rich.markdown import Markdown

from lightning_module.project import PROJECT
from lightning_module.reporting.table_printer import print_tables
from lightning_module.tracking.mlflow_store import MlflowStore
from lightning_module.tracking.store_check import refuse_hopeless
from lightning_module.tracking.store_faults import first_line
from lightning_module.tracking.tracking_place import TrackingPlace
from lightning_module.tracking.uploader import send_left_over
from sweeps.confirmation import Confirmation, candidates, confirmation
from sweeps.confirmation_plan import planned_design, refuse_short_hours, warn_of_few_seeds
from sweeps.job_queue import Job, JobQueue
from sweeps.settings import SweepSettings
from sweeps.storage import open_storage, reachable, search_study, summary_study
from sweeps.sweep_markdown import as_markdown
from sweeps.sweep_report import SweepReport, make_report
from sweeps.sweep_results import log_summary, write_results
from sweeps.trial import RATIO
from sweeps.worker_pool import run_workers
from sweeps.worker_process import Stage, stage_queue

_log = logging.getLogger(__name__)

_POLL_SECONDS = 1.0
WORKER = (sys.executable, str(PROJECT / "run.py"), "sweep-worker")


def run_sweep(settings: SweepSettings, workers: int, command: Sequence[str] = WORKER) -> SweepReport:
    """Completes a sweep, and reports its outcome; finished trials are not repeated.

    Args:
        settings: The sweep.
        workers: Number of worker processes to start.
        command: Command that starts a worker; the name of the stage is appended.

    Raises:
        InputError: If the settings cannot be used, or all workers ended early.
    """
    place = TrackingPlace(settings.tracking_uri, settings.folder, settings.experiment)
    tracking = MlflowStore(place.uri, place.artifacts)
    with reachable(settings.storage):
        storage = open_storage(settings.storage)
        study = search_study(settings, storage)
        if settings.confirm_seeds:
            planned_design(settings, storage)  # refused before the search, rather than after it
    tracking.prepare()  # here, so that a fault of it is told once
    refuse_hopeless(tracking, place.experiment)
    warn_of_few_seeds(settings)
    with reachable(settings.storage):
        if len(settings.scores) == 2 and settings.pruner != "none":
            print("With two scores no trial is pruned, since Optuna prunes by a single score only.")
        trunks = _run_stage("trunk", settings, storage, workers, command) if settings.is_branched else []
        trials = _run_stage("search", settings, storage, workers, command)
        confirmed = None
        if settings.confirm_seeds:
            confirmed = _confirm(trials, settings, storage, workers, command)
        report = make_report(settings, study, trials, confirmed, trunks)
        _summarize(report, storage)
    _tidy(settings, tracking)
    print_tables(Markdown(as_markdown(report)))
    print(f"Verdict, pictures and best.yaml: {settings.results}")
    return report


def _run_stage(
    stage: Stage, settings: SweepSettings, storage: RDBStorage, workers: int, command: Sequence[str]
) -> list[FrozenTrial]:
    queue = stage_queue(stage, settings, storage)
    if not queue.is_done():
        queue.fill()  # before the workers, each of which would enqueue all jobs
        run_workers([*command, stage], workers, settings, queue, stage, _best if stage == "search" else lambda _: "")
    return queue.finished()


def _confirm(
    search: list[FrozenTrial], settings: SweepSettings, storage: RDBStorage, workers: int, command: Sequence[str]
) -> Confirmation:
    chosen = candidates(search, settings)
    design = planned_design(settings, storage)
    queue = stage_queue("confirm", settings, storage)
    if not queue.finished():
        refuse_short_hours(settings, design, search, queue.total)
    tested = _run_stage("confirm", settings, storage, workers, command)
    return confirmation(tested, chosen, settings, design)


def _summarize(report: SweepReport, storage: RDBStorage) -> None:
    """Makes the summary run, unless the sweep has one for its present length."""
    settings = report.settings
    size = f"{settings.n_trials} trials, {settings.confirm_ratios} x {settings.confirm_seeds}"
    if report.confirmation is not None and report.confirmation.course.is_out_of_time:
        size += f", {report.confirmation.course.looked_at} seeds so far"
    study = summary_study(settings, storage)
    queue = JobQueue(study, storage, [Job(size)])
    while not queue.is_done():
        trial_id = queue.claim()
        if trial_id is None:
            time.sleep(_POLL_SECONDS)
            continue
        with queue.running(trial_id):
            log_summary(report)
            study.get_trials(deepcopy=False)
            study.tell(optuna.Trial(study, trial_id), 0.0)
        return
    write_results(report)


def _tidy(settings: SweepSettings, tracking: MlflowStore) -> None:
    """Uploads what could not be uploaded to MLflow before, and ends runs whose trials another worker repeated."""
    runs = TrackingPlace(settings.tracking_uri, settings.folder, settings.experiment).runs
    send_left_over(runs, tracking, settings.experiment)
    try:
        for stage in get_args(Stage):
            tracking.end_running(settings.experiment, {"sweep": settings.study, "stage": stage})
    except Exception as error:  # noqa: BLE001  # the verdict stands whatever MLflow raises
        _log.warning("MLflow at %s cannot be reached (%s); the next run completes it.", tracking.uri, first_line(error))


def _best(finished: Sequence[FrozenTrial]) -> str:
    complete = [trial for trial in finished if trial.state == TrialState.COMPLETE]
    if not complete:
        return ""
    best = min(complete, key=lambda trial: trial.values[0])
    return f"best {best.user_attrs[RATIO]}: {best.values[0]:.2f} %"
