"""A record of the errors of a method on a data set: summary figures (.json) and the errors of all faces (.npz).

A record describes its own protocols, so that figures of custom regions can be read without their table.
"""

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import torch
from numpy.typing import NDArray

from datamodules.errors import InputError
from lightning_module.evaluation.nme import NMEReport
from lightning_module.evaluation.protocols import Protocol, protocol_named
from lightning_module.evaluation.statistics import Summary, null_if_nan, summarize

FOLDER = "evaluation"  # folder of the records in a run
_YAW, _ASPECT = "yaw_deg", "truth_aspect"
_SAME_YAW_DEG, _SAME_ASPECT = 0.02, 2e-3  # tolerances for the rounding in files of other projects


@dataclass(frozen=True, eq=False)
class EvaluationRecord:
    """Errors of one method on one data set.

    Attributes:
        dataset: Its name.
        slug: Its name in metrics and file names.
        reports: NME by protocol.
        fingerprint: Fingerprint of the data set, or empty.
        protocols: Descriptions of the protocols; needed for those of custom regions.
    """

    dataset: str
    slug: str
    reports: Mapping[str, NMEReport]
    fingerprint: str = ""
    protocols: Sequence[Protocol] = ()

    def protocol(self, name: str) -> Protocol:
        """The description of a protocol of the record."""
        return next((protocol for protocol in self.protocols if protocol.name == name), None) or protocol_named(name)

    def summaries(self, seed: int = 0) -> dict[str, Summary]:
        """The summary of each protocol."""
        return {name: summarize(report, self.protocol(name).title, seed) for name, report in self.reports.items()}

    def as_json(self, summaries: Mapping[str, Summary]) -> str:
        """JSON with the figures and definitions of all protocols; a figure that does not exist is null."""
        protocols = {name: _as_data(self.protocol(name), summary) for name, summary in summaries.items()}
        content = {"dataset": self.dataset, "fingerprint": self.fingerprint, "protocols": protocols}
        return json.dumps(content, indent=1, allow_nan=False)

    def write(self, folder: Path, summaries: Mapping[str, Summary]) -> list[Path]:
        """Writes both files, and returns their paths."""
        folder.mkdir(parents=True, exist_ok=True)
        figures, faces = folder / f"{self.slug}.json", folder / f"{self.slug}.npz"
        figures.write_text(self.as_json(summaries), encoding="utf-8")
        (first, *_) = self.reports.values()
        columns = {name: report.per_face.numpy() for name, report in self.reports.items()}
        if first.aspect is not None:
            columns[_ASPECT] = first.aspect.numpy()
        np.savez_compressed(faces, allow_pickle=False, **{_YAW: first.yaw_deg.numpy(), **columns})
        return [figures, faces]

    def same_faces(self, other: "EvaluationRecord") -> bool:
        """Whether both have the same faces in the same order with the same ground truth: yaw and aspect agree."""
        (mine, *_), (theirs, *_) = self.reports.values(), other.reports.values()
        if len(mine.yaw_deg) != len(theirs.yaw_deg) or mine.aspect is None or theirs.aspect is None:
            return False
        same_yaw = (mine.yaw_deg - theirs.yaw_deg).abs() < _SAME_YAW_DEG
        return bool((same_yaw & ((mine.aspect / theirs.aspect - 1).abs() < _SAME_ASPECT)).all())


def read_record(figures: Path) -> EvaluationRecord:
    """Reads a record.

    Args:
        figures: The .json file; the .npz file lies in the same folder.

    Raises:
        InputError: If one of the two files cannot be read.
    """
    try:
        content = json.loads(figures.read_text(encoding="utf-8"))
        dataset, fingerprint = str(content["dataset"]), str(content["fingerprint"])
        with np.load(figures.with_suffix(".npz"), allow_pickle=False) as arrays:
            columns: dict[str, NDArray[np.floating]] = dict(arrays)
        yaw_deg = torch.from_numpy(columns.pop(_YAW))
        aspect = torch.from_numpy(columns.pop(_ASPECT)) if _ASPECT in columns else None
        reports = {name: NMEReport(torch.from_numpy(column), yaw_deg, aspect) for name, column in columns.items()}
        protocols = [_from_data(name, content["protocols"][name]) for name in reports]
    except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile, zlib.error) as error:
        raise InputError(f"{figures}: is no record of an evaluation ({error}). Run the test again.") from error
    return EvaluationRecord(dataset, figures.stem, reports, fingerprint, protocols)


def _as_data(protocol: Protocol, summary: Summary) -> dict[str, Any]:
    return {
        "title": protocol.title,
        "definition": protocol.definition,
        "source": protocol.source,
        "unit": "percent",
        "faces": summary.counts,
        "balanced_faces": summary.balanced_faces,
        "figures": {name: null_if_nan(value) for name, value in summary.figures.items()},
        "intervals_95": {name: [null_if_nan(end) for end in interval] for name, interval in summary.intervals.items()},
    }


def _from_data(name: str, stored: Mapping[str, Any]) -> Protocol:
    if "title" not in stored:  # records of earlier versions
        return protocol_named(name)
    return Protocol(name, stored["title"], stored["definition"], stored["source"])
