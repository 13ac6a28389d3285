"""What becomes of another method's evaluation: it is printed, kept as a run in MLflow, and written as JSON."""

import os
from pathlib import Path

from datamodules.errors import InputError
from lightning_module.evaluation.evaluation_record import EvaluationRecord
from lightning_module.evaluation.protocols import LANDMARKS_2D
from lightning_module.project import PROJECT
from lightning_module.reporting.evaluation_report import log_record
from lightning_module.reporting.nme_table import nme_table, spread_table
from lightning_module.reporting.published_figures import is_whole_aflw2000
from lightning_module.reporting.table_printer import print_tables
from lightning_module.tracking.environment import environment_tags
from lightning_module.tracking.tracker import Tracker, TrackingOptions


def refuse_unwritable(json: Path | None) -> None:
    """Refuses a file that cannot be written, before anything is computed.

    Raises:
        InputError: If it cannot.
    """
    if json is None:
        return
    place = json if json.exists() else json.absolute().parent
    if json.is_dir() or not os.access(place, os.W_OK):
        raise InputError(f"{json}: cannot be written. Set --json to a file that can.")


def output_record(
    record: EvaluationRecord,
    method: str,
    seed: int,
    json: Path | None,
    tracking: TrackingOptions | None,
    tags: dict[str, str],
) -> None:
    """Prints a record, keeps it as a run and writes it.

    Args:
        record: The errors.
        method: Name of the method.
        seed: Of the balanced subset and the intervals.
        json: File to write the figures to; None for none.
        tracking: Where the run is kept; None for no run.
        tags: Of the run, beside the usual ones.

    Raises:
        InputError: If the file cannot be written.
    """
    summaries = record.summaries(seed)
    is_aflw2000 = LANDMARKS_2D.name in record.reports and is_whole_aflw2000(record.reports[LANDMARKS_2D.name])
    print_tables(nme_table(summaries, f"{method} on {record.dataset}", is_aflw2000), spread_table(summaries))
    if tracking is not None:
        place = tracking.place(PROJECT)
        tags = {"command": "evaluate", "method": method, **tags, **environment_tags(PROJECT), **(tracking.tags or {})}
        tracker = Tracker(place, tracking.run_name or method, tags)
        log_record(tracker, record, summaries, step=0, is_own=True)
        tracker.end("FINISHED")
        print(f"Run {tracker.run.path}\nCompare runs: {place.how_to_view}")
    if json is not None:
        try:
            json.write_text(record.as_json(summaries))
        except OSError as error:
            raise InputError(f"{json}: cannot be written ({error.strerror}). Set --json to a file that can.") from error
