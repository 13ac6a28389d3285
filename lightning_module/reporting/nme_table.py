"""NME by yaw bin as a table: for the terminal, and for MLflow."""

from collections.abc import Mapping

from rich.table import Table

from lightning_module.evaluation.nme import BIN_TITLES, YAW_BINS
from lightning_module.evaluation.protocols import LANDMARKS_2D
from lightning_module.evaluation.statistics import Interval, Summary, null_if_nan
from lightning_module.reporting.published_figures import OWN_NETWORK, PRINTED


def nme_table(summaries: Mapping[str, Summary], title: str, is_aflw2000: bool = False) -> Table:
    """A table with one row per protocol and one column per yaw bin. An empty bin is a dash, and is left out of means.

    Args:
        summaries: Summaries by protocol.
        title: Names of the method and the data set.
        is_aflw2000: Whether this is the whole of AFLW2000-3D with its own landmarks, for which the paper's figures are
            added.
    """
    (first, *_) = summaries.values()
    table = Table(title=f"NME % by |yaw|, {title}", title_justify="left")
    table.add_column("protocol")
    for name in YAW_BINS:
        table.add_column(f"{BIN_TITLES[name]}\nn = {first.counts[name]}", justify="right", no_wrap=True)
    for heading in ("mean\nof bins", "mean\nof faces"):
        table.add_column(heading, justify="right", no_wrap=True)
    for summary in summaries.values():
        figures = [*summary.by_bin.values(), summary.mean_of_bins, summary.mean_of_faces]
        table.add_row(summary.title, *map(percent, figures))
    if is_aflw2000 and LANDMARKS_2D.name in summaries:
        table.add_row("Shi et al., Table 1, as printed", *map(percent, PRINTED[OWN_NETWORK]), "-")
    return table


def spread_table(summaries: Mapping[str, Summary]) -> Table:
    """A table with one row per protocol: the interval of the mean of bins, and the distribution of the errors."""
    (first, *_) = summaries.values()
    table = Table(
        title="Intervals and spread",
        title_justify="left",
        caption_justify="left",
        caption="95 %: bootstrap interval of the mean of bins over faces, not over trainings. "
        "balanced: mean over equally many faces of each bin. CED: cumulative error distribution.",
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
    for summary in summaries.values():
        figures = map(percent, (summary.balanced, summary.auc, summary.failures))
        table.add_row(summary.title, interval(summary.intervals["mean_of_bins"]), *figures)
    return table


def nme_rows(summaries: Mapping[str, Summary], stage: str, dataset: str) -> dict[str, list[str | int | float | None]]:
    """Columns of `nme_by_yaw.json`, with one row per protocol and figure; a figure that does not exist is null."""
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
                *map(null_if_nan, (value, *summary.intervals[name])),
                summary.counts.get(name, faces),
            )
            for column, cell in zip(columns.values(), row, strict=True):
                column.append(cell)
    return columns


def percent(value: float) -> str:
    """Two decimals, or a dash for NaN."""
    return "-" if value != value else f"{value:.2f}"


def interval(ends: Interval) -> str:
    """Both ends, or a dash for NaN."""
    return "-" if ends.low != ends.low else f"{ends.low:.2f}-{ends.high:.2f}"
