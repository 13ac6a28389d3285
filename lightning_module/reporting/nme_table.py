"""NME by yaw bin as a table: for the terminal, and for MLflow."""

from collections.abc import Mapping

from rich.table import Table

from lightning_module.evaluation.nme import BIN_TITLES, YAW_BINS
from lightning_module.evaluation.protocols import LANDMARKS_2D, protocol_named
from lightning_module.evaluation.statistics import Interval, Summary

# Table 1 of Shi et al., as printed there; its own network and weights, on the whole of AFLW2000-3D.
PAPER_ROW = {"yaw_00_30": 2.69, "yaw_30_60": 3.48, "yaw_60_90": 4.58, "mean": 3.58}


def nme_table(summaries: Mapping[str, Summary], title: str, is_aflw2000: bool = False) -> Table:
    """Rows are protocols, columns yaw bins. An empty bin is a dash; the mean is that of the bins that are there.

    Args:
        summaries: By protocol.
        title: Of what on what.
        is_aflw2000: Whether this is the whole of AFLW2000-3D with its own landmarks: the paper's row stands beside
            nothing else.
    """
    (first, *_) = summaries.values()
    table = Table(title=f"NME % by |yaw|, {title}", title_justify="left")
    table.add_column("protocol")
    for name in YAW_BINS:
        table.add_column(f"{BIN_TITLES[name]}\nn = {first.counts[name]}", justify="right", no_wrap=True)
    for heading in ("mean\nof bins", "mean\nof faces"):
        table.add_column(heading, justify="right", no_wrap=True)
    for protocol, summary in summaries.items():
        figures = [*summary.by_bin.values(), summary.mean_of_bins, summary.mean_of_faces]
        table.add_row(protocol_named(protocol).title, *map(percent, figures))
    if is_aflw2000 and LANDMARKS_2D.name in summaries:
        table.add_row("Shi et al., Table 1, as printed", *map(percent, PAPER_ROW.values()), "-")
    return table


def spread_table(summaries: Mapping[str, Summary]) -> Table:
    """Rows are protocols: how sure the mean of bins is, and how errors are spread."""
    (first, *_) = summaries.values()
    table = Table(
        title="How sure, and how spread",
        title_justify="left",
        caption_justify="left",
        caption="95 %: where the mean of bins would lie with other faces (bootstrap), of other trainings it "
        "says nothing. balanced: mean of as many faces of each bin. CED: cumulative error distribution.",
    )
    table.add_column("protocol")
    threshold = f"{first.threshold:g} %"
    for heading in (
        "mean of bins\n95 %",
        f"balanced\nn = {first.balanced_faces}",
        f"CED's area\nup to {threshold}",
        f"faces\nbeyond {threshold}",
    ):
        table.add_column(heading, justify="right", no_wrap=True)
    for protocol, summary in summaries.items():
        figures = map(percent, (summary.balanced, summary.auc, summary.failures))
        table.add_row(protocol_named(protocol).title, interval(summary.intervals["mean_of_bins"]), *figures)
    return table


def nme_rows(summaries: Mapping[str, Summary], stage: str, dataset: str) -> dict[str, list[str | int | float | None]]:
    """Columns of `nme_by_yaw.json`, one row a protocol and figure; what is not there is null."""
    columns: dict[str, list[str | int | float | None]] = {
        name: [] for name in ("stage", "dataset", "protocol", "bin", "nme_percent", "low_95", "high_95", "faces")
    }
    for protocol, summary in summaries.items():
        faces = sum(summary.counts.values())
        figures = {**summary.by_bin, "mean_of_bins": summary.mean_of_bins, "mean_of_faces": summary.mean_of_faces}
        for name, value in figures.items():
            row = (
                stage,
                dataset,
                protocol,
                name,
                *map(_or_null, (value, *summary.intervals[name])),
                summary.counts.get(name, faces),
            )
            for column, cell in zip(columns.values(), row, strict=True):
                column.append(cell)
    return columns


def percent(value: float) -> str:
    """Two decimals, or a dash for what is not there."""
    return "-" if value != value else f"{value:.2f}"


def interval(ends: Interval) -> str:
    """Both ends, or a dash."""
    return "-" if ends.low != ends.low else f"{ends.low:.2f}-{ends.high:.2f}"


def _or_null(value: float) -> float | None:
    return None if value != value else value
