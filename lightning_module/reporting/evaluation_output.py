"""Outputs the evaluation of another method: prints it, records it as a run, and writes it as JSON."""

import errno
import os
from pathlib import Path

from datamodules.errors import cannot_write
from lightning_module.evaluation.evaluation_record import EvaluationRecord
from lightning_module.evaluation.protocols import LANDMARKS_2D
from lightning_module.project import PROJECT
from lightning_module.reporting.evaluation_report import log_record
from lightning_module.reporting.nme_table import nme_table, spread_table
from lightning_module.reporting.published_figures import is_whole_aflw2000
from lightning_module.reporting.table_printer import print_tables
from lightning_module.tracking.environment import environment_tags
from lightning_module.tracking.tracker import Tracker
from lightning_module.tracking.tracking_place import TrackingOptions


def refuse_unwritable(json: Path | None) -> None:
    """Checks that a file can be written, before anything is computed.

    Raises:
        InputError: If it cannot be written.
    """
    if json is None:
        return
    place = json if json.exists() else json.absolute().parent
    if json.is_dir() or not os.access(place, os.W_OK):
        code = errno.EISDIR if json.is_dir() else errno.EACCES if place.exists() else errno.ENOENT
        raise cannot_write(json, OSError(code, os.strerror(code)), "--json")


def output_record(
    record: EvaluationRecord,
    method: str,
    seed: int,
    json: Path | None,
    tracking: TrackingOptions | None,
    tags: dict[str, str],
) -> None:
    """Prints a record, records it as a run, and writes its figures.

    Args:
        record: The errors.
        method: Name of the method.
        seed: Seed of the balanced subset and the intervals.
        json: File to write the figures to, or None.
        tracking: Where the run is recorded; None for no run.
        tags: Tags of the run in addition to the usual ones.

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
            json.write_text(record.as_json(summaries), encoding="utf-8")
        except OSError as error:
            raise cannot_write(json, error, "--json") from error
