"""A callback that reports a run: pictures, tables and figures of its evaluations, and tags of its data."""

from collections import defaultdict
from typing import Any, cast

from matplotlib.figure import Figure
from pytorch_lightning import Callback, LightningModule, Trainer

from datamodules.types import FaceBatch
from lightning_module.data_interface import face_data
from lightning_module.evaluation.evaluation_record import EvaluationRecord
from lightning_module.evaluation.nme import YAW_BINS, landmark_nme, yaw_bin
from lightning_module.evaluation.protocols import LANDMARKS_2D, test_protocols
from lightning_module.evaluation.stage_figures import StepOutput
from lightning_module.face_module import FaceModule
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
from lightning_module.reporting.table_printer import print_tables
from lightning_module.tracking.tracker import Tracker

_FACES_PER_BIN = 5
_STAGE_TITLES = {"val": "validation", "test": "test"}


class RunReport(Callback):
    """Reports the data and evaluations of a run to its folder and MLflow, and the figures to other loggers as well.

    Args:
        tracker: The run's record.
    """

    def __init__(self, tracker: Tracker) -> None:
        self._tracker = tracker
        self._faces: dict[str, list[FacePicture]] = defaultdict(list)
        self._validated_epoch: int | None = None

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Draws the region weights, and records the training data."""
        data = face_data(trainer)
        self._tracker.log_tags({f"fingerprint.{name}": value for name, value in data.fingerprints().items()})
        self._tracker.log_tags({"dataset.train": str(data.card("fit")), "rendered_faces": data.rendered_faces})
        module = cast(FaceModule, pl_module)
        self._save(
            region_weights_figure(
                module.weight_map.cpu().numpy(),
                module.regions.cpu().numpy(),
                module.landmark_texels.cpu().numpy(),
                module.region_table,
                module.weights_name,
            ),
            "region_weights",
        )

    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Records the test data."""
        data = face_data(trainer)
        self._tracker.log_tags({f"test.{data.card('test').slug}.fingerprint": data.fingerprints()["test_data"]})

    def on_validation_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Drops the faces of the last evaluation."""
        self._faces.clear()

    def on_test_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Drops the faces of the last evaluation."""
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
        """Keeps the first faces of each yaw bin."""
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
        """Keeps the first faces of each yaw bin."""
        self._keep(outputs, batch)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Reports the last validation of a fit."""
        if "val" in cast(FaceModule, pl_module).reports:
            self._report(trainer, pl_module, "val")

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Reports the validation of a checkpoint; that of an epoch is reported if it is the last."""
        if trainer.state.fn == "fit":
            self._validated_epoch = trainer.current_epoch + 1
        else:
            self._report(trainer, pl_module, "val")

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Reports a test."""
        self._report(trainer, pl_module, "test")

    def _keep(self, outputs: StepOutput, batch: FaceBatch) -> None:
        for i, bin_index in enumerate(yaw_bin(batch.yaw_deg).tolist()):
            kept = self._faces[list(YAW_BINS)[bin_index]]
            if len(kept) >= _FACES_PER_BIN:
                continue
            predicted, true = outputs.predicted_68_px[i : i + 1], batch.landmarks_crop_px[i : i + 1]
            title = f"{batch.key[i].rpartition('/')[2]}  {float(landmark_nme(predicted, true)):.2f} %"
            image = batch.image[i].permute(1, 2, 0).float().cpu().numpy()
            kept.append(FacePicture(image, predicted[0].float().cpu().numpy(), true[0].cpu().numpy(), title))

    def _report(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        module = cast(FaceModule, pl_module)
        reports, data = module.reports[stage], face_data(trainer)
        card = data.card(stage)
        dataset = str(card)
        # a run can be tested on several data sets: files of a test carry the name of its data set
        place = stage if stage == "val" else f"test_{card.slug}"
        if self._faces:
            self._save(landmarks_figure(bin_order(self._faces)), f"{place}_landmarks")
        self._save(
            ced_figure({dataset: reports[LANDMARKS_2D.name]}, f"CED, {LANDMARKS_2D.title}, {stage}"), f"{place}_ced"
        )
        fingerprint = data.fingerprints().get("test_data", "") if stage == "test" else ""
        record = EvaluationRecord(dataset, card.slug, reports, fingerprint, test_protocols(module.region_table))
        summaries = record.summaries()
        if stage == "test":
            figures = log_record(self._tracker, record, summaries, trainer.global_step, module.is_primary_test)
            for logger in trainer.loggers:
                if logger is not self._tracker:
                    logger.log_metrics(figures, trainer.global_step)
        else:
            log_table(self._tracker, summaries, stage, dataset)
        is_aflw2000 = is_whole_aflw2000(reports[LANDMARKS_2D.name])
        epoch = module.tested_epoch if stage == "test" else self._validated_epoch
        last = None if self._validated_epoch is None else trainer.max_epochs
        title = f"{_STAGE_TITLES[stage]} on {dataset}{_of_epoch(epoch, last)}"
        print_tables(nme_table(summaries, title, is_aflw2000))
        if stage == "test":
            print_tables(spread_table(summaries))

    def _save(self, figure: Figure, name: str) -> None:
        path = self._tracker.run.path / "pictures" / f"{name}.png"
        path.parent.mkdir(exist_ok=True)
        figure.savefig(path, dpi=110)
        self._tracker.log_file(path, "pictures")


def _of_epoch(epoch: int | None, last: int | None) -> str:
    """The epoch of a network, for a title; `last` is that of the fit, and unknown where a checkpoint is evaluated."""
    if epoch is None:
        return ""
    return f", epoch {epoch} of {last}" if last is not None and last >= epoch else f", epoch {epoch}"
