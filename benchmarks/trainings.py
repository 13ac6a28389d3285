"""Trainings that experiments share: each is done once, and its figures are kept in benchmarks/results/trainings.jsonl.

An experiment that was stopped goes on from that file alone. Trainings run on one thread each, several side by side.
"""

import fcntl
import json
import os
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from tqdm import tqdm

from benchmarks.measurements import RESULTS

LEDGER = RESULTS / "trainings.jsonl"
REFERENCE, EQUAL = "16:5:4:3:0", "1:1:1:1:0"
PROTOCOLS = {"68 landmarks": "nme", "eyes, nose": "nme_eyes_nose", "mouth": "nme_mouth", "rest of the face": "nme_face"}
_DECIMALS = 5

Figures = dict[str, float]  # test errors by region: NME %, mean of bins


@dataclass(frozen=True)
class Photographs:
    """Photographs with ground truth that networks are tested on after their training.

    Attributes:
        samples: Folder of AFLW2000-3D samples.
        face_model: BFM.mat.
    """

    samples: Path
    face_model: Path


@dataclass(frozen=True)
class Training:
    """A training on the synthetic faces of conf/default.yaml, with its network.

    Attributes:
        ratio: Region weights, as in "16:5:4:3:0".
        seed: Its seed.
        labels: Labels of the training faces.
        epochs: Its length.
        trunk: Ratio of the training that it branches from; None for a full training.
        branch_epoch: The epoch, counted from 1, at whose end it branches.
        radius: Radius of the landmarks in texels.
        options: Further options of the command.
    """

    ratio: str
    seed: int
    labels: Literal["exact", "fitted"] = "exact"
    epochs: int = 8
    trunk: str | None = None
    branch_epoch: int = 0
    radius: float = 0.0
    options: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Identifies it in the file of figures."""
        start = f" from epoch {self.branch_epoch} of {self.trunk}" if self.trunk else ""
        radius = f" radius {self.radius:g}" if self.radius else ""
        options = "".join(f" {option}" for option in self.options)
        return f"{self.labels} labels, {self.ratio}{radius}{start}, seed {self.seed}, {self.epochs} epochs{options}"

    @property
    def origin(self) -> "Training":
        """The full training that it branches from."""
        return Training(self.trunk or self.ratio, self.seed, self.labels, self.epochs, options=self.options)

    def arguments(self, folder: Path, checkpoint: Path | None, kept: Sequence[int]) -> list[str]:
        """The command line.

        Args:
            folder: Folder of its run.
            checkpoint: The checkpoint to branch from.
            kept: Epochs whose checkpoints are kept.
        """
        names = ("landmarks", "eyes_nose", "mouth", "face", "neck")
        weights = [f"--model.weights.{name}={value}" for name, value in zip(names, self.ratio.split(":"), strict=True)]
        start = [] if checkpoint is None else [f"--branch_from={checkpoint}"]
        return [
            "fit",
            *start,
            f"--seed_everything={self.seed}",
            *weights,
            f"--model.landmark_radius_texels={self.radius}",
            f"--data.synthetic.labels={self.labels}",
            f"--trainer.max_epochs={self.epochs}",
            f"--trainer.check_val_every_n_epoch={self.epochs}",  # the last epoch is the one that is tested
            "--trainer.enable_progress_bar=false",
            "--trainer.enable_model_summary=false",
            f"--tracking.folder={folder}",
            f"--tracking.uri=sqlite:///{folder / 'mlflow.db'}",
            f"--tracking.keep_epochs={json.dumps(list(kept))}",
            *self.options,
        ]


def measured() -> dict[str, dict[str, Any]]:
    """All rows of the file of figures, by the trainings' names."""
    lines = LEDGER.read_text(encoding="utf-8").splitlines() if LEDGER.is_file() else []
    return {row["training"]: row for row in map(json.loads, lines)}


def figures_of(rows: dict[str, dict[str, Any]], training: Training) -> Figures:
    """The test errors of a measured training."""
    return dict(rows[training.name]["test"])


def train_all(
    groups: Iterable[Sequence[Training]], processes: int = 2, photographs: Photographs | None = None
) -> dict[str, dict[str, Any]]:
    """Does the trainings that are not measured yet, and returns the rows of all.

    Args:
        groups: Trainings that one process does one after the other: the branches of one trunk belong together.
        processes: Number of processes, one thread each.
        photographs: Photographs that new full trainings are tested on too.
    """
    done = measured()
    left = [[training for training in group if training.name not in done] for group in groups]
    left = [group for group in left if group]
    os.environ["OMP_NUM_THREADS"] = "1"  # of the processes that are started
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        progress = tqdm(pool.map(_train_group, left, repeat(photographs)), total=len(left), unit="group", disable=None)
        for _ in progress:
            pass
    return measured()


def _train_group(group: Sequence[Training], photographs: Photographs | None) -> None:
    with TemporaryDirectory() as name:
        folder, trunks = Path(name), dict[Training, tuple[Path, Figures]]()
        for training in group:
            kept = sorted({other.branch_epoch for other in group if other.trunk and other.origin == training})
            if training.trunk is None:
                trunks[training] = _train(training, folder, kept, photographs=photographs)
                continue
            if training.origin not in trunks:  # its figures are known, but its checkpoints are gone
                kept = sorted({other.branch_epoch for other in group if other.origin == training.origin})
                trunks[training.origin] = _train(training.origin, folder, kept)
            run, of_trunk = trunks[training.origin]
            _train(training, folder, (), run / f"epoch_{training.branch_epoch}.ckpt", of_trunk)


def _train(
    training: Training,
    folder: Path,
    kept: Sequence[int],
    checkpoint: Path | None = None,
    of_trunk: Figures | None = None,
    photographs: Photographs | None = None,
) -> tuple[Path, Figures]:
    import run  # in the process that trains, after its number of threads is set

    start = time.process_time()
    result = run.main(training.arguments(folder, checkpoint, kept))
    reports = result.reports["test"]
    test = {title: round(float(reports[name].mean_of_bins), _DECIMALS) for title, name in PROTOCOLS.items()}
    row: dict[str, Any] = {
        "training": training.name,
        "test": test,
        "epochs": training.epochs - training.branch_epoch,
        "core seconds": round(time.process_time() - start, 1),
    }
    if of_trunk is not None:  # of the very training that it continued, since the last bits depend on the processor
        row["trunk's test"] = of_trunk
    if photographs is not None:
        row["photographs"] = _tested_on(photographs, result.folder.best_checkpoint, folder)
    _append(row)
    return result.folder.path, test


def _tested_on(photographs: Photographs, checkpoint: Path, folder: Path) -> float:
    """NME % of the 68 landmarks, mean of faces."""
    import run

    arguments = [
        f"--ckpt_path={checkpoint}",
        f"--data.test.root={photographs.samples}",
        f"--data.face_model.path={photographs.face_model}",
        f"--tracking.folder={folder}",
        "--trainer.enable_progress_bar=false",
    ]
    report = run.main(["test", *arguments]).reports["test"]["nme"]
    return round(float(report.mean_of_faces), _DECIMALS)


def _append(row: dict[str, Any]) -> None:
    if row["training"] in measured():  # a trunk that was trained again for its checkpoints
        return
    with LEDGER.open("a", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(json.dumps(row) + "\n")
