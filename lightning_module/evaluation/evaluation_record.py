"""A method's errors on a data set, as two files: figures to read (.json), and every face's to compare with (.npz)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from datamodules.errors import InputError
from lightning_module.evaluation.nme import NMEReport
from lightning_module.evaluation.protocols import protocol_named
from lightning_module.evaluation.statistics import Summary, summarize

FOLDER = "evaluation"  # of a run, where its records lie
_YAW, _ASPECT = "yaw_deg", "truth_aspect"
_SAME_YAW_DEG, _SAME_ASPECT = 0.02, 2e-3  # what files of different makers round them to


@dataclass(frozen=True, eq=False)
class EvaluationRecord:
    """Errors of one method on one data set.

    Attributes:
        dataset: Its name.
        slug: Its name in metrics and file names.
        reports: NME by protocol.
        fingerprint: Of the data, where it has one: a run keeps one record of each.
    """

    dataset: str
    slug: str
    reports: Mapping[str, NMEReport]
    fingerprint: str = ""

    def summaries(self, seed: int = 0) -> dict[str, Summary]:
        """All that is said of each protocol."""
        return {name: summarize(report, seed) for name, report in self.reports.items()}

    def write(self, folder: Path, summaries: Mapping[str, Summary]) -> list[Path]:
        """Writes both files, and says where."""
        folder.mkdir(parents=True, exist_ok=True)
        figures, faces = folder / f"{self.slug}.json", folder / f"{self.slug}.npz"
        figures.write_text(as_json(self.dataset, summaries, self.fingerprint))
        (first, *_) = self.reports.values()
        columns = {name: report.per_face.numpy() for name, report in self.reports.items()}
        if first.aspect is not None:
            columns[_ASPECT] = first.aspect.numpy()
        np.savez_compressed(faces, allow_pickle=False, **{_YAW: first.yaw_deg.numpy(), **columns})
        return [figures, faces]

    def same_faces(self, other: "EvaluationRecord") -> bool:
        """Whether both are of the same faces in the same order with the same truth: yaw and shape of each agree."""
        (mine, *_), (theirs, *_) = self.reports.values(), other.reports.values()
        if len(mine.yaw_deg) != len(theirs.yaw_deg) or mine.aspect is None or theirs.aspect is None:
            return False
        same_yaw = (mine.yaw_deg - theirs.yaw_deg).abs() < _SAME_YAW_DEG
        return bool((same_yaw & ((mine.aspect / theirs.aspect - 1).abs() < _SAME_ASPECT)).all())


def read_record(figures: Path) -> EvaluationRecord:
    """The record whose .json file this is.

    Raises:
        InputError: If it or the .npz file beside it cannot be read.
    """
    try:
        said = json.loads(figures.read_text())
        dataset, fingerprint = str(said["dataset"]), str(said["fingerprint"])
        with np.load(figures.with_suffix(".npz"), allow_pickle=False) as arrays:
            columns: dict[str, NDArray[np.floating]] = dict(arrays)
        yaw_deg = torch.from_numpy(columns.pop(_YAW))
        aspect = torch.from_numpy(columns.pop(_ASPECT)) if _ASPECT in columns else None
        reports = {name: NMEReport(torch.from_numpy(column), yaw_deg, aspect) for name, column in columns.items()}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{figures}: is no record of an evaluation ({error}). Run the test again.") from error
    return EvaluationRecord(dataset, figures.stem, reports, fingerprint)


def as_json(dataset: str, summaries: Mapping[str, Summary], fingerprint: str = "") -> str:
    """Figures of all protocols with their definitions; what cannot be said is null."""
    protocols = {
        name: {
            "definition": protocol_named(name).definition,
            "source": protocol_named(name).source,
            "unit": "percent",
            "faces": summary.counts,
            "balanced_faces": summary.balanced_faces,
            "figures": {key: _or_null(value) for key, value in summary.figures.items()},
            "intervals_95": {key: [_or_null(end) for end in interval] for key, interval in summary.intervals.items()},
        }
        for name, summary in summaries.items()
    }
    return json.dumps(
        {"dataset": dataset, "fingerprint": fingerprint, "protocols": protocols}, indent=1, allow_nan=False
    )


def _or_null(value: float) -> float | None:
    return None if value != value else value
