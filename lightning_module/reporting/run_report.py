"""What a run leaves behind besides its figures: checkpoints to go on from, pictures, tables."""

import time
from collections import defaultdict
from typing import Any, Protocol, cast

from matplotlib.figure import Figure
from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.callbacks import Checkpoint
from rich.console import Console

from datamodules.types import FaceBatch
from lightning_module.evaluation.evaluation_record import EvaluationRecord
from lightning_module.evaluation.nme import YAW_BINS, landmark_nme, yaw_bin
from lightning_module.evaluation.protocols import LANDMARKS_2D, test_protocols
from lightning_module.face_module import FaceModule, StepOutput
from lightning_module.reporting.evaluation_report import log_record, log_table
from lightning_module.reporting.figures import (
    FacePicture,
    bin_order,
    ced_figure,
    landmarks_figure,
    region_weights_figure,
)
from lightning_module.reporting.nme_table import nme_table, spread_table
from lightning_module.reporting.published_figures import is_whole_aflw2000
from lightning_module.tracking.run_folder import RunFolder
from lightning_module.tracking.tracker import Tracker

_FACES_PER_BIN = 5


class LastCheckpoint(Checkpoint):
    """Keeps the newest complete epoch, so that a killed fit goes on from there.

    Args:
        folder: The run's folder.
        seconds: Epochs shorter than this share a checkpoint; the last one always has its own.
    """

    def __init__(self, folder: RunFolder, seconds: float) -> None:
        self._path = folder.last_checkpoint
        self._partial = self._path.with_suffix(".partial")
        self._seconds = seconds
        self._saved_at = time.monotonic()
        self._is_kept = True

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Saves, unless the last time was a moment ago."""
        is_due = trainer.strategy.broadcast(time.monotonic() - self._saved_at >= self._seconds)
        if is_due:
            self._save(trainer)

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Keeps the epoch before: its figures are logged only after it was saved, and would be lost to a kill between."""
        self._keep(trainer)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Saves the end."""
        self._save(trainer)
        self._keep(trainer)

    def _save(self, trainer: Trainer) -> None:
        trainer.save_checkpoint(self._partial)
        self._saved_at = time.monotonic()
        self._is_kept = False

    def _keep(self, trainer: Trainer) -> None:
        if not self._is_kept and trainer.is_global_zero:
            self._partial.replace(self._path)
        self._is_kept = True


class _DescribesItself(Protocol):
    def card(self, stage: str) -> Any: ...

    def fingerprints(self) -> dict[str, str]: ...
    @property
    def turned_faces(self) -> str: ...


class RunReport(Callback):
    """Pictures and tables of a run's evaluation, into its folder and to MLflow.

    Args:
        tracker: Where they go.
    """

    def __init__(self, tracker: Tracker) -> None:
        self._tracker = tracker
        self._faces: dict[str, list[FacePicture]] = defaultdict(list)

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Pictures the weights, and takes down what they are trained on."""
        self._log_fingerprints(trainer)
        data = _data(trainer)
        self._tracker.log_tags({"dataset.train": str(data.card("fit")), "turned_faces": data.turned_faces})
        module = cast(FaceModule, pl_module)
        self._save(
            region_weights_figure(
                module.weight_map.cpu().numpy(),
                module.regions.cpu().numpy(),
                module.landmark_texels.cpu().numpy(),
                module.region_weights,
            ),
            "region_weights",
        )

    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Takes down what is tested on."""
        slug, found = _data(trainer).card("test").slug, _data(trainer).fingerprints()
        self._tracker.log_tags({f"test.{slug}.fingerprint": found["test_data"]})

    def on_validation_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Forgets the faces of the last time."""
        self._faces.clear()

    def on_test_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Forgets the faces of the last time."""
        self._faces.clear()

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Keeps the first faces of each bin."""
        self._keep(outputs, batch)

    def on_test_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Keeps the first faces of each bin."""
        self._keep(outputs, batch)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Reports on the validation faces."""
        if "val" in cast(FaceModule, pl_module).reports:
            self._report(trainer, pl_module, "val")

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Reports on the validation faces when nothing is trained."""
        if trainer.state.fn != "fit":
            self._report(trainer, pl_module, "val")

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Reports on the test faces."""
        self._report(trainer, pl_module, "test")

    def _keep(self, outputs: StepOutput, batch: FaceBatch) -> None:
        for i, bin_index in enumerate(yaw_bin(batch.yaw_deg).tolist()):
            kept = self._faces[list(YAW_BINS)[bin_index]]
            if len(kept) >= _FACES_PER_BIN:
                continue
            predicted, true = outputs.predicted_68_px[i : i + 1], batch.landmarks_68_px[i : i + 1]
            title = f"{batch.key[i].rpartition('/')[2]}  {float(landmark_nme(predicted, true)):.2f} %"
            image = batch.image[i].permute(1, 2, 0).float().cpu().numpy()
            kept.append(FacePicture(image, predicted[0].float().cpu().numpy(), true[0].cpu().numpy(), title))

    def _report(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        reports = cast(FaceModule, pl_module).reports[stage]
        card = _data(trainer).card(stage)
        dataset = str(card)
        # pictures and records of a test carry its data set's name: one run can be tested on several
        place = stage if stage == "val" else f"test_{card.slug}"
        if self._faces:
            self._save(landmarks_figure(bin_order(self._faces)), f"{place}_landmarks")
        title = f"CED, {LANDMARKS_2D.title}, {stage}"
        self._save(ced_figure({dataset: reports[LANDMARKS_2D.name]}, title), f"{place}_ced")
        fingerprint = _data(trainer).fingerprints().get("test_data", "") if stage == "test" else ""
        protocols = test_protocols(cast(FaceModule, pl_module).region_table)
        record = EvaluationRecord(dataset, card.slug, reports, fingerprint, protocols)
        summaries = record.summaries()
        if stage == "test":
            is_own = cast(FaceModule, pl_module).is_own_test
            log_record(self._tracker, record, summaries, trainer.global_step, is_own)
        else:
            log_table(self._tracker, summaries, stage, dataset)
        is_aflw2000 = is_whole_aflw2000(reports[LANDMARKS_2D.name])
        Console().print(nme_table(summaries, f"{stage} on {dataset}", is_aflw2000))
        if stage == "test":
            Console().print(spread_table(summaries))

    def _log_fingerprints(self, trainer: Trainer) -> None:
        found = _data(trainer).fingerprints()
        self._tracker.log_tags({f"fingerprint.{name}": value for name, value in found.items()})

    def _save(self, figure: Figure, name: str) -> None:
        path = self._tracker.run.path / "pictures" / f"{name}.png"
        path.parent.mkdir(exist_ok=True)
        figure.savefig(path, dpi=110)
        self._tracker.log_file(path, "pictures")


def _data(trainer: Trainer) -> _DescribesItself:
    return cast(_DescribesItself, cast(Any, trainer).datamodule)
