"""A comparison of methods on one data set, and its output formats."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

import pandas as pd
from rich.table import Table

from lightning_module.evaluation.evaluation_record import EvaluationRecord
from lightning_module.evaluation.nme import BIN_TITLES, YAW_BINS
from lightning_module.evaluation.protocols import LANDMARKS_2D, Protocol
from lightning_module.evaluation.statistics import Interval, confidence_intervals, paired_differences
from lightning_module.reporting.nme_table import interval, percent
from lightning_module.reporting.published_figures import PRINTED, is_whole_aflw2000

_PRINTED_NOTE = "* printed in the paper (Shi et al., Table 1), not measured here"
_PAGE = """<!doctype html><meta charset="utf-8"><title>{title}</title>
<style>body{{font:14px sans-serif;margin:2em}}td,th{{padding:.3em .8em;text-align:left}}
tr:nth-child(even){{background:#f2f2f2}}</style>
<h1>{title}</h1>
{table}
<p>{note}</p>
"""


@dataclass(frozen=True)
class Row:
    """One method.

    Attributes:
        name: Its label.
        is_printed: Whether the figures are quoted from the paper.
        means: Percent by yaw bin, then the mean of bins.
        interval: 95 % interval of the mean of bins.
        difference: Difference of the mean of bins from the reference, and its 95 % interval, paired by face; None if
            the faces are not the same.
    """

    name: str
    is_printed: bool
    means: tuple[float, ...]
    interval: Interval
    difference: tuple[float, Interval] | None


@dataclass(frozen=True)
class Comparison:
    """Methods on one data set under one protocol.

    Attributes:
        dataset: Name of the data set.
        slug: Name of the data set in files.
        protocol: Protocol of the figures.
        reference: The method that the others are compared with.
        rows: The methods.
        counts: Faces by yaw bin.
    """

    dataset: str
    slug: str
    protocol: Protocol
    reference: str
    rows: list[Row]
    counts: dict[str, int]

    @property
    def title(self) -> str:
        """The line above the table."""
        return f"NME %, {self.protocol.title}, on {self.dataset}"

    @property
    def note(self) -> str:
        """The line below the table; empty if no row needs one."""
        return _PRINTED_NOTE if any(row.is_printed for row in self.rows) else ""

    @property
    def frame(self) -> pd.DataFrame:
        """The table as formatted cells."""
        bins = [f"{BIN_TITLES[name]} (n = {self.counts[name]})" for name in YAW_BINS]
        columns = ["method", *bins, "mean of bins", "95 %", f"less {self.reference}"]
        return pd.DataFrame([_cells(row) for row in self.rows], columns=columns)

    def as_markdown(self) -> str:
        """The table in Markdown."""
        table = self.frame.to_markdown(index=False, disable_numparse=True)
        return f"**{self.title}**\n\n{table}\n" + (f"\n{self.note.replace('*', chr(92) + '*')}\n" if self.note else "")

    def as_html(self) -> str:
        """The table as a self-contained HTML page."""
        title, table = escape(self.title), self.frame.to_html(index=False, border=0, justify="left")
        return _PAGE.format(title=title, table=table, note=escape(self.note))

    def as_latex(self) -> str:
        """The table in LaTeX, for the package booktabs."""
        caption = re.sub(r"([%&_#$])", r"\\\1", f"{self.title}. {self.note}").strip()
        text = str(self.frame.to_latex(index=False, escape=True, caption=caption))
        return text.replace("°", r"\textdegree{}")

    def as_table(self) -> Table:
        """The table for the terminal."""
        table = Table(title=self.title, title_justify="left", caption=self.note or None, caption_justify="left")
        for i, column in enumerate(self.frame.columns):
            heading = (
                str(column).replace(" (", "\n").rstrip(")").replace("mean of", "mean\nof").replace("less ", "less\n")
            )
            table.add_column(heading, justify="right" if i else "left", no_wrap=bool(i), overflow="fold")
        for cells in self.frame.itertuples(index=False):
            table.add_row(
                *(str(cell).replace(" (", "\n").rstrip(")") if i else str(cell) for i, cell in enumerate(cells))
            )
        return table


def compare_records(
    records: Mapping[str, EvaluationRecord], protocol: str, reference: str, seed: int = 0
) -> Comparison:
    """Compares methods that were tested on one data set.

    Args:
        records: Record of each method, by its name.
        protocol: Name of a protocol that all records hold.
        reference: The method to compare with.
        seed: Seed of the resampling.
    """
    against = records[reference]
    rows = [_measured(name, record, against, protocol, seed) for name, record in records.items()]
    counts = against.reports[protocol].counts
    if protocol == LANDMARKS_2D.name and is_whole_aflw2000(against.reports[protocol]):
        nan = float("nan")
        rows += [Row(f"{name} *", True, means, Interval(nan, nan), None) for name, means in PRINTED.items()]
    return Comparison(against.dataset, against.slug, against.protocol(protocol), reference, rows, counts)


def _measured(name: str, record: EvaluationRecord, against: EvaluationRecord, protocol: str, seed: int) -> Row:
    report = record.reports[protocol]
    difference = None
    if record is not against and record.same_faces(against):
        other = against.reports[protocol]
        pairs = paired_differences(report.per_face, other.per_face, report.yaw_deg, seed)
        difference = (report.mean_of_bins - other.mean_of_bins, pairs["mean_of_bins"])
    means = (*report.by_bin.values(), report.mean_of_bins)
    return Row(name, False, means, confidence_intervals(report, seed)["mean_of_bins"], difference)


def _cells(row: Row) -> list[str]:
    difference = "-"
    if row.difference is not None:
        value, ends = row.difference
        difference = f"{value:+.2f}" + ("" if ends.low != ends.low else f" ({ends.low:+.2f} to {ends.high:+.2f})")
    return [row.name, *map(percent, row.means), interval(row.interval), difference]
