"""Training and judging the network that turns a face crop into its position map."""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple, Protocol, cast

import torch
from pytorch_lightning import LightningModule
from torch import Tensor

from datamodules.errors import InputError
from datamodules.geometry.landmarks import LANDMARKS_68, LANDMARKS_81
from datamodules.geometry.regions import RegionTable, checked_table, five_regions, regions_as_data
from datamodules.geometry.uv_layout import MAP_SIZE, UVLayout
from datamodules.types import FaceBatch
from lightning_module.evaluation.face_errors import FaceErrors
from lightning_module.evaluation.nme import NMEReport
from lightning_module.evaluation.protocols import LANDMARKS_2D, test_protocols, validation_protocols
from lightning_module.losses import Norm, Reduction, weighted_distance
from lightning_module.map_output import mirror_averaged, offsets_px, origin_px, resampled, resampling
from lightning_module.networks.hourglass import PAIRS, Hourglass, Tail
from lightning_module.region_weights import RegionWeights

Stage = Literal["val", "test"]
LrSchedule = Literal["halving", "one_cycle"]

_WARM_UP = 0.1  # of a one-cycle schedule


class StepOutput(NamedTuple):
    """What a step leaves for callbacks: the loss or None, (N, 68, 3) landmarks, and (N, 3, 256, 256) maps."""

    loss: Tensor | None
    predicted_68_px: Tensor
    maps: Tensor


class _HasLayout(Protocol):
    @property
    def uv_layout(self) -> UVLayout: ...


class FaceModule(LightningModule):
    """The hourglass with the region-weighted loss (Shi et al.).

    Whatever the network's sizes, `forward` returns maps of 256 x 256 texels in the pixels of a 256 x 256 crop.

    Args:
        base_channels: Width of the network; 16 is the published one.
        image_size: Pixels a side of its input; the command line sets it to data.image_size.
        map_size: Texels a side of its output, interpolated to 256.
        tail: "published" or "linear"; see Hourglass.
        is_residual: Whether the network predicts the difference from the mean map.
        norm_momentum: Of the batch norms; 0.001 as published, more for short runs.
        pairs: Of residual blocks; 5 as published, fewer for small images.
        direct_rank: Width of a direct way from the code to the map beside the decoder; 0 as published.
        regions: Returns the table of the regions; the command line sets it to data.regions.
        weights: Weights of regions by name; the others keep the weight of the table.
        landmark_radius_texels: Radius of the discs that the landmarks are drawn as; 0 for single texels, as published.
        loss_norm: Norm of a texel's difference.
        loss_reduction: Over texels.
        lr: Learning rate of Adam; with "one_cycle", the highest.
        lr_schedule: "halving" every so many epochs, as published, or "one_cycle": up, and down to nothing at the end.
        lr_halving_epochs: Epochs after which "halving" halves, again and again.
        mirror_average: Whether testing and predicting average the map of an image and that of its mirror image.
    """

    mean_map: Tensor
    regions: Tensor
    landmark_texels: Tensor
    weight_map: Tensor
    enlarge: Tensor
    train_mean: Tensor
    train_weights: Tensor

    def __init__(
        self,
        base_channels: int = 16,
        image_size: int = 256,
        map_size: int = 256,
        tail: Tail = "linear",
        is_residual: bool = True,
        norm_momentum: float = 0.001,
        pairs: int = PAIRS,
        direct_rank: int = 0,
        regions: Callable[[], RegionTable] = five_regions,
        weights: dict[str, float] = {},  # noqa: B006  # read only
        landmark_radius_texels: float = 0.0,
        loss_norm: Norm = "l2",
        loss_reduction: Reduction = "mean",
        lr: float = 1e-4,
        lr_schedule: LrSchedule = "halving",
        lr_halving_epochs: int = 20,
        mirror_average: bool = False,
    ) -> None:
        super().__init__()
        self.region_table = checked_table(regions)
        self.region_weights = RegionWeights.of(self.region_table, weights, landmark_radius_texels)
        self.save_hyperparameters(logger=False, ignore="regions")
        self.hparams.update(self.region_weights.options)  # those that were not named, too
        self.network = Hourglass(base_channels, image_size, map_size, tail, norm_momentum, pairs, direct_rank)
        self.network = self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.image_size = image_size
        self.map_size = map_size
        self.tail: Tail = tail
        self.is_residual = is_residual
        self._loss_norm: Norm = loss_norm
        self._loss_reduction: Reduction = loss_reduction
        self._lr = lr
        self._lr_schedule = lr_schedule
        self._lr_halving_epochs = lr_halving_epochs
        self.mirror_average = mirror_average
        # what a checkpoint needs to stand alone; filled in by `adopt_layout` or by the checkpoint
        self.register_buffer("mean_map", torch.zeros(3, MAP_SIZE, MAP_SIZE))
        self.register_buffer("regions", torch.zeros(MAP_SIZE, MAP_SIZE, dtype=torch.uint8))
        self.register_buffer("landmark_texels", torch.zeros(LANDMARKS_81, 2, dtype=torch.int64))
        self.register_buffer("weight_map", torch.zeros(MAP_SIZE, MAP_SIZE))
        # what a network of smaller maps is trained on; filled in when a fit starts
        self.register_buffer("enlarge", resampling(map_size, MAP_SIZE), persistent=False)
        self.register_buffer("train_mean", torch.zeros(3, map_size, map_size), persistent=False)
        self.register_buffer("train_weights", torch.zeros(map_size, map_size), persistent=False)
        self.val_errors = FaceErrors(validation_protocols(self.region_table))
        self.test_errors = FaceErrors(test_protocols(self.region_table))
        self.is_primary_test = False  # whether the test set is the fit's own, whose figures have the short names
        self.reports: dict[str, dict[str, NMEReport]] = {}  # newest of each stage, by protocol
        self._layouts_agree = True

    def adopt_layout(self, layout: UVLayout) -> None:
        """Takes over the UV space that the network is to learn."""
        for buffer, array in (
            (self.mean_map, layout.mean_map.transpose(2, 0, 1)),
            (self.regions, layout.regions),
            (self.landmark_texels, layout.landmark_texels),
        ):
            buffer.copy_(torch.from_numpy(array.copy()))
        weights = self.region_weights.weight_map(layout.regions, layout.landmark_texels)
        self.weight_map.copy_(torch.from_numpy(weights))

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Adds the table of regions as plain values."""
        checkpoint["regions"] = regions_as_data(self.region_table)

    def forward(self, image: Tensor) -> Tensor:
        """(N, 3, 256, 256) position maps in crop pixels from (N, 3, image_size, image_size) RGB in [0, 1]."""
        offsets = offsets_px(self.network(image), self.tail)
        return resampled(offsets, self.enlarge) + origin_px(self.mean_map, self.is_residual)

    def landmarks(self, maps: Tensor) -> Tensor:
        """(N, 81, 3) read off (N, 3, 256, 256) maps; the first 68 are iBUG's."""
        row, col = self.landmark_texels.unbind(dim=1)
        return maps[:, :, row, col].mT

    def setup(self, stage: str) -> None:
        """Takes the data's UV layout; a checkpoint that is loaded afterwards brings its own."""
        if stage == "fit":
            self.adopt_layout(self._layout)

    def on_fit_start(self) -> None:
        """Refuses to train a checkpoint further on another face model, and fits mean map and weights to the network."""
        self._compare_layouts()
        has_regions = torch.equal(self.regions.cpu(), torch.from_numpy(self._layout.regions))
        if not self._layouts_agree or not has_regions:
            raise InputError(
                "the checkpoint was trained on another face model than --data.face_model.path. Give the one it was "
                "trained on, or start without --ckpt_path."
            )
        shrink = resampling(MAP_SIZE, self.enlarge.shape[1]).to(self.device)
        self.train_mean.copy_(shrink @ self.mean_map @ shrink.mT)
        # each texel takes the weight of what is interpolated from it, so that every area keeps its share
        weights = self.enlarge.mT @ self.weight_map @ self.enlarge
        self.train_weights.copy_(weights / weights[weights > 0].mean())

    def on_validation_start(self) -> None:
        """Finds out whether dense figures make sense."""
        self._compare_layouts()

    def on_test_start(self) -> None:
        """Finds out whether dense figures make sense."""
        self._compare_layouts()

    def training_step(self, batch: FaceBatch, batch_idx: int) -> Tensor:
        """One step of training, at the network's own resolution."""
        offsets = offsets_px(self.network(batch.image), self.tail)
        predicted = offsets + origin_px(self.train_mean, self.is_residual)
        loss = weighted_distance(
            predicted, batch.position_map, self.train_weights, self._loss_norm, self._loss_reduction
        )
        self.log(
            "train/loss", loss, on_step=False, on_epoch=True, sync_dist=True, batch_size=len(batch.image), prog_bar=True
        )
        return loss

    def validation_step(self, batch: FaceBatch, batch_idx: int) -> Any:
        """One step of validation."""
        return self._step(batch, "val")

    def test_step(self, batch: FaceBatch, batch_idx: int) -> Any:
        """One step of testing."""
        return self._step(batch, "test")

    def predict_step(self, batch: FaceBatch, batch_idx: int) -> Tensor:
        """Position maps in crop pixels."""
        return self._judged(batch.image)

    def on_validation_epoch_end(self) -> None:
        """Logs the errors of the validation faces."""
        self._report("val", self.val_errors)

    def on_test_epoch_end(self) -> None:
        """Logs the errors of the test faces."""
        self._report("test", self.test_errors)

    def configure_optimizers(self) -> Any:
        """Adam, and how its learning rate changes."""
        has_fused = self.device.type in ("cuda", "cpu")
        optimizer = torch.optim.Adam(self.parameters(), self._lr, fused=has_fused)
        if self._lr_schedule == "halving":
            return [optimizer], [torch.optim.lr_scheduler.StepLR(optimizer, self._lr_halving_epochs, gamma=0.5)]
        steps = self.trainer.estimated_stepping_batches
        if steps == float("inf"):
            raise InputError(
                "--model.lr_schedule one_cycle has to know its end: set --trainer.max_epochs or --trainer.max_steps."
            )
        cycle = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, self._lr, total_steps=int(steps), pct_start=_WARM_UP, cycle_momentum=False
        )
        return [optimizer], [{"scheduler": cycle, "interval": "step"}]

    def _judged(self, image: Tensor, stage: Stage = "test") -> Tensor:
        """(N, 3, 256, 256) position maps to be judged or handed out."""
        # whatever training runs in, figures are made in full precision
        with torch.autocast(self.device.type, enabled=False):
            if self.mirror_average and stage == "test":
                return mirror_averaged(self, image)
            return cast(Tensor, self(image))

    def _step(self, batch: FaceBatch, stage: Stage) -> StepOutput:
        predicted = self._judged(batch.image, stage)
        loss = None
        if self._layouts_agree:
            loss = weighted_distance(
                predicted, batch.position_map, self.weight_map, self._loss_norm, self._loss_reduction
            )
            is_logged = stage == "val" or self.is_primary_test
            self.log(
                f"{stage}/loss",
                loss,
                on_step=False,
                on_epoch=True,
                sync_dist=True,
                batch_size=len(batch.image),
                logger=is_logged,
            )
        predicted_68 = self.landmarks(predicted)[:, :LANDMARKS_68]
        errors = self.val_errors if stage == "val" else self.test_errors
        maps = (predicted, batch.position_map, self.regions) if self._layouts_agree else None
        mean_68 = self.landmarks(self.mean_map[None])[0, :LANDMARKS_68] if stage == "test" else None
        errors.update(predicted_68, batch.landmarks_crop_px, batch.yaw_deg, batch.number, maps, mean_68)
        return StepOutput(loss, predicted_68, predicted)

    def _report(self, stage: Stage, errors: FaceErrors) -> None:
        reports = errors.reports()
        errors.reset()
        self.reports[stage] = reports
        is_logged = stage == "val"  # a test is reported with its data set's name, by reporting/evaluation_report.py
        figures: dict[str, float] = {}
        for protocol, report in reports.items():
            figures |= {f"{stage}/{protocol}/{name}": value for name, value in report.figures.items()}
        counts = reports[LANDMARKS_2D.name].counts
        figures |= {f"{stage}/faces/{name}": count for name, count in counts.items()}
        headline = f"{stage}/{LANDMARKS_2D.name}/mean"
        self.log(headline, figures.pop(headline), prog_bar=True, logger=is_logged)
        there = {name: value for name, value in figures.items() if value == value}  # an empty bin is NaN
        self.log_dict(there, logger=is_logged)

    @property
    def _layout(self) -> UVLayout:
        return cast(_HasLayout, cast(Any, self.trainer).datamodule).uv_layout

    def _compare_layouts(self) -> None:
        layout = self._layout
        self._layouts_agree = torch.equal(
            self.landmark_texels.cpu(), torch.from_numpy(layout.landmark_texels)
        ) and torch.allclose(self.mean_map.cpu(), torch.from_numpy(layout.mean_map).permute(2, 0, 1), atol=0.01)
