"""Tables 1 and 2 of the paper with this reproduction's rows, and the errors that Figs. 7 and 8 show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
import torch

from lightning_module.evaluation.evaluation_record import EvaluationRecord
from lightning_module.evaluation.nme import NMEReport
from lightning_module.evaluation.protocols import LANDMARKS_2D, MEAN_MAP
from lightning_module.reporting.comparison import Comparison, compare_records
from lightning_module.reporting.nme_table import interval
from lightning_module.reporting.published_figures import is_whole_aflw2000
from lightning_module.reporting.ratio_table import ratio_frame

MEAN_FACE = "always the mean face"
_NME = LANDMARKS_2D.name


@dataclass(frozen=True, eq=False)
class MeasuredSystem:
    """A method with its tests on the same faces.

    Attributes:
        name: Its name in tables.
        records: The test of each seed; one of a network that was trained elsewhere.
        runs: Keys of their runs.
        seeds: The seeds; empty for a network that was trained elsewhere.
    """

    name: str
    records: Sequence[EvaluationRecord]
    runs: Sequence[str]
    seeds: Sequence[int] = ()

    @property
    def reports(self) -> list[NMEReport]:
        """NME of 68 landmarks in x and y, test by test."""
        return [record.reports[_NME] for record in self.records]

    @property
    def pooled(self) -> NMEReport:
        """The errors of all tests together."""
        reports = self.reports
        return NMEReport(torch.cat([own.per_face for own in reports]), torch.cat([own.yaw_deg for own in reports]))

    @property
    def averaged(self) -> EvaluationRecord:
        """A record with the mean error of each face over the tests."""
        first, reports = self.records[0], self.reports
        mean = torch.stack([own.per_face.double() for own in reports]).mean(dim=0)
        report = NMEReport(mean, reports[0].yaw_deg, reports[0].aspect)
        return EvaluationRecord(first.dataset, first.slug, {_NME: report}, first.fingerprint, first.protocols)


def mean_face(record: EvaluationRecord) -> MeasuredSystem | None:
    """A method that always answers with the mean map, from any test's record; None if the record lacks it."""
    if MEAN_MAP.name not in record.reports:
        return None
    reports = {_NME: record.reports[MEAN_MAP.name]}
    return MeasuredSystem(MEAN_FACE, [EvaluationRecord(record.dataset, record.slug, reports, record.fingerprint)], [])


def is_printed_beside(system: MeasuredSystem) -> bool:
    """Whether the paper's figures can stand beside a system's: it was tested on all of AFLW2000-3D."""
    return is_whole_aflw2000(system.reports[0])


def table_1(systems: Sequence[MeasuredSystem]) -> tuple[pd.DataFrame, Comparison]:
    """NME by yaw bin of systems, the first being the reference; with the paper's rows where they can stand beside."""
    comparison = compare_records({system.name: system.averaged for system in systems}, _NME, systems[0].name)
    frame = comparison.frame
    by_name = {system.name: system for system in systems}
    frame["training seeds"] = [_seeds(by_name.get(name)) for name in frame["method"]]
    frame["run"] = [_runs(by_name.get(name)) for name in frame["method"]]
    return frame, comparison


def table_2(ratios: Sequence[MeasuredSystem]) -> pd.DataFrame:
    """NME by yaw bin of ratios over seeds, and their differences from the first, paired by seed."""
    frame = ratio_frame({system.name: system.reports for system in ratios})
    averaged = {system.name: system.averaged for system in ratios}
    rows = compare_records(averaged, _NME, ratios[0].name).rows[: len(ratios)]
    intervals = [interval(row.interval) for row in rows]
    for row in rows[1:]:
        ends = None if row.difference is None else row.difference[1]
        known = ends is not None and ends.low == ends.low
        intervals.append(f"{ends.low:+.2f} to {ends.high:+.2f}" if known and ends is not None else "-")
    frame["95 %"] = intervals
    paired = [None] * (len(ratios) - 1)
    frame["training seeds"] = [_seeds(system) for system in (*ratios, *paired)]
    frame["run"] = [_runs(system) for system in (*ratios, *paired)]
    return frame


def pooled_reports(systems: Sequence[MeasuredSystem]) -> Mapping[str, NMEReport]:
    """The errors of all seeds together by system, for cumulative distributions."""
    return {system.name: system.pooled for system in systems}


def _seeds(system: MeasuredSystem | None) -> str:
    return "-" if system is None or not system.seeds else ", ".join(map(str, system.seeds))


def _runs(system: MeasuredSystem | None) -> str:
    return "-" if system is None or not system.runs else "\n".join(system.runs)
