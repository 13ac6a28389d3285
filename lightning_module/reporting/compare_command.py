"""`run.py compare`: compares runs by data set, as Markdown, HTML, LaTeX and a picture."""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from datamodules.errors import InputError, cannot_write
from lightning_module.evaluation.evaluation_record import EvaluationRecord
from lightning_module.evaluation.protocols import LANDMARKS_2D
from lightning_module.project import PROJECT
from lightning_module.reporting.comparison import Comparison, compare_records
from lightning_module.reporting.figures import ced_figure
from lightning_module.reporting.run_reader import EvaluatedRun, find_runs, is_called
from lightning_module.reporting.table_printer import print_tables
from lightning_module.tracking.tracker import Tracker
from lightning_module.tracking.tracking_place import TrackingOptions

_log = logging.getLogger(__name__)


def compare(
    runs: list[str] | None = None,
    tags: list[str] | None = None,
    reference: str | None = None,
    dataset: str | None = None,
    protocol: str = LANDMARKS_2D.name,
    out: Path | None = None,
    no_log: bool = False,
    seed: int = 0,
    tracking: TrackingOptions = TrackingOptions(),  # noqa: B008  # frozen
) -> list[Comparison]:
    """Prints a table of runs for each data set that they were tested on.

    Intervals are bootstrap intervals of the mean of yaw bins over faces. Differences from the reference are paired by
    face if both runs were tested on the same faces. Neither covers the variation between training seeds.

    Args:
        runs: Names, keys or ids of runs, or beginnings of these; by default all tested runs of the experiment.
        tags: name=value that a run must have, such as ratio=16:5:4:3:0 (or 16-5-4-3-0, its form in MLflow).
        reference: The run to compare with; by default the first.
        dataset: Only this data set, by its name in metrics, such as aflw2000.
        protocol: Protocol to compare: nme, nme_3d_rigid, nme_dense, nme_<region>, ...
        out: Folder for the tables (.md, .html, .tex) and the CED curves; by default one in mlruns/comparisons.
        no_log: Make no summary run in MLflow.
        seed: Seed of the resampling.
        tracking: Where the runs are recorded.
    """
    place = tracking.place(PROJECT)
    evaluated = find_runs(place, runs or [], tags or [])
    _refuse_unknown_protocol(protocol, evaluated)
    names = _names(evaluated)
    against = None if reference is None else _name_of_one(reference, evaluated, names)
    comparisons = []
    for records in _by_faces(evaluated, names, protocol):
        if dataset is not None and dataset not in {record.slug for record in records.values()}:
            continue
        first = against if against in records else next(iter(records))
        if against not in (None, first):
            _log.warning("%s was not tested on %s: %s is the reference there.", against, records[first].dataset, first)
        comparisons.append((compare_records(records, protocol, first, seed), records))
    if not comparisons:
        raise InputError(f"none of the {len(evaluated)} runs was tested on {dataset or 'anything'} under {protocol}.")
    for comparison, _ in comparisons:
        print_tables(comparison.as_table())
    folder = out or place.folder / "comparisons" / datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    files = _write(folder, comparisons)
    print(f"Tables and CED curves: {folder}")
    if not no_log:
        tracker = Tracker(
            place,
            f"compare {len(evaluated)} runs",
            {"command": "compare", "runs": " ".join(run.run_id for run in evaluated)},
        )
        for path in files:
            copy = tracker.run.path / path.name
            copy.write_bytes(path.read_bytes())
            tracker.log_file(copy, "comparison")
        tracker.end("FINISHED")
    return [comparison for comparison, _ in comparisons]


def _names(runs: list[EvaluatedRun]) -> dict[str, str]:
    """A unique name for each run id: the run's name, with the end of its key if other runs share the name."""
    named = [run.name for run in runs]
    return {run.run_id: run.name if named.count(run.name) == 1 else f"{run.name} {run.key[-4:]}" for run in runs}


def _refuse_unknown_protocol(protocol: str, runs: list[EvaluatedRun]) -> None:
    held = {name: None for run in runs for record in run.records.values() for name in record.reports}
    if protocol not in held:
        raise InputError(f"--protocol {protocol}: none of the {len(runs)} runs has it. Give one of {', '.join(held)}.")


def _name_of_one(reference: str, runs: list[EvaluatedRun], names: Mapping[str, str]) -> str:
    matching = [
        run for run in runs if reference == names[run.run_id] or is_called(reference, run.name, run.key, run.run_id)
    ]
    if len(matching) != 1:
        raise InputError(
            f"--reference {reference}: {len(matching)} of the runs have this name. Give one of {', '.join(names.values())}."
        )
    return names[matching[0].run_id]


def _by_faces(runs: list[EvaluatedRun], names: Mapping[str, str], protocol: str) -> list[dict[str, EvaluationRecord]]:
    """Records by name of the run, grouped by equal faces and ground truth, not by the name of the data set."""
    groups: list[dict[str, EvaluationRecord]] = []
    for run in runs:
        for record in run.records.values():
            if protocol not in record.reports:
                continue
            name = names[run.run_id]
            matching = (
                group for group in groups if name not in group and record.same_faces(next(iter(group.values())))
            )
            group = next(matching, None)
            if group is None:
                groups.append({name: record})
            else:
                group[name] = record
    return groups


def _write(folder: Path, comparisons: list[tuple[Comparison, dict[str, EvaluationRecord]]]) -> list[Path]:
    written: list[Path] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for comparison, records in comparisons:
            stem, number = comparison.slug, 1
            while folder / f"{stem}.md" in written:  # another data set of the same name
                number += 1
                stem = f"{comparison.slug}-{number}"
            texts = {"md": comparison.as_markdown(), "html": comparison.as_html(), "tex": comparison.as_latex()}
            for ending, text in texts.items():
                (folder / f"{stem}.{ending}").write_text(text, encoding="utf-8")
                written.append(folder / f"{stem}.{ending}")
            reports = {name: record.reports[comparison.protocol.name] for name, record in records.items()}
            title = f"CED, {comparison.protocol.title}, {comparison.dataset}"
            ced_figure(reports, title).savefig(folder / f"{stem}_ced.png", dpi=110)
            written.append(folder / f"{stem}_ced.png")
    except OSError as error:
        raise cannot_write(folder, error, "--out") from error
    return written
