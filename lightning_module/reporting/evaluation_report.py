"""Logs an evaluation to its run: the files of the record, metrics, and a table in MLflow."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lightning_module.evaluation.evaluation_record import FOLDER, EvaluationRecord
from lightning_module.evaluation.nme import BIN_TITLES, YAW_BINS
from lightning_module.evaluation.protocols import LANDMARKS_2D
from lightning_module.evaluation.statistics import Summary
from lightning_module.reporting.nme_table import interval, nme_rows, percent
from lightning_module.tracking.tracker import Tracker

_TABLE = "nme_by_yaw.json"


def log_record(
    tracker: Tracker, record: EvaluationRecord, summaries: Mapping[str, Summary], step: int, is_own: bool
) -> dict[str, float]:
    """Logs a test, whose figures are named `test/<data set>/<protocol>/<figure>`.

    Args:
        tracker: Tracker of the run.
        record: The errors.
        summaries: Summaries of the record.
        step: Step of the training.
        is_own: Whether this is the primary test set of the run, whose figures of 68 landmarks are `test/nme/...`.

    Returns:
        The figures by name; those that are NaN are left out.
    """
    for path in record.write(tracker.run.path / FOLDER, summaries):
        tracker.log_file(path, FOLDER)
    figures: dict[str, float] = {}
    for protocol, summary in summaries.items():
        prefix = f"test/{record.slug}/{protocol}"
        means = f"test/{protocol}" if is_own and protocol == LANDMARKS_2D.name else prefix
        figures |= {f"{means}/{name}": value for name, value in record.reports[protocol].figures.items()}
        others = {name: value for name, value in summary.figures.items() if name not in (*YAW_BINS, "mean_of_bins")}
        figures |= {f"{prefix}/{name}": value for name, value in others.items()}
        low, high = summary.intervals["mean_of_bins"]
        figures |= {f"{prefix}/mean_low_95": low, f"{prefix}/mean_high_95": high}
    (first, *_) = summaries.values()
    figures |= {
        f"{'test' if is_own else f'test/{record.slug}'}/faces/{name}": count for name, count in first.counts.items()
    }
    figures = {name: value for name, value in figures.items() if value == value}
    tracker.log_metrics(figures, step)
    log_table(tracker, summaries, "test", record.dataset)
    if is_own:
        tracker.log_tags({"mlflow.note.content": description(summaries, record.dataset)})
    return figures


def log_table(tracker: Tracker, summaries: Mapping[str, Summary], stage: str, dataset: str) -> None:
    """Adds rows to the run's table in MLflow; they replace older rows of the same stage and data set."""
    columns = nme_rows(summaries, stage, dataset)
    path = tracker.run.path / _TABLE
    path.write_text(
        json.dumps({"columns": list(columns), "data": _other_rows(path, stage, dataset) + _rows(columns)}),
        encoding="utf-8",
    )
    tracker.log_file(path)
    if not tracker.appends_only:
        # the second tag makes MLflow show the file as a table
        shown = json.dumps([{"path": _TABLE, "type": "table"}])
        tracker.log_tags({f"dataset.{stage}": dataset, "mlflow.loggedArtifacts": shown})


def description(summaries: Mapping[str, Summary], dataset: str) -> str:
    """The text on top of a run's page, in Markdown: the first protocol by yaw bin."""
    (summary, *_) = summaries.values()
    heads = " | ".join(
        [*(f"{BIN_TITLES[name]} (n = {count})" for name, count in summary.counts.items()), "mean of bins", "95 %"]
    )
    cells = " | ".join(
        [*map(percent, (*summary.by_bin.values(), summary.mean_of_bins)), interval(summary.intervals["mean_of_bins"])]
    )
    rule = "|---" * 5
    return f"NME %, {summary.title}, on {dataset}:\n\n| {heads} |\n{rule}|\n| {cells} |"


def _rows(columns: Mapping[str, list[Any]]) -> list[list[Any]]:
    return [list(row) for row in zip(*columns.values(), strict=True)]


def _other_rows(path: Path, stage: str, dataset: str) -> list[list[Any]]:
    rows: list[list[Any]] = json.loads(path.read_text(encoding="utf-8"))["data"] if path.is_file() else []
    return [row for row in rows if row[:2] != [stage, dataset]]
