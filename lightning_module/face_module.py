"""The Lightning module: trains and evaluates a network that maps a face crop to its position map."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning import LightningModule
from torch import Tensor, nn

from datamodules.errors import InputError
from datamodules.geometry.crop import CROP_MARGIN, NetworkCrop
from datamodules.geometry.landmarks import LANDMARKS_68, LANDMARKS_81
from datamodules.geometry.regions import RegionTable, checked_table, five_regions, regions_as_data, regions_from_data
from datamodules.geometry.uv_layout import MAP_SIZE, UVLayout
from datamodules.types import FaceBatch
from lightning_module.averaged_maps import NO_AVERAGES, Averages
from lightning_module.data_interface import face_data
from lightning_module.evaluation.face_errors import FaceErrors
from lightning_module.evaluation.nme import NMEReport
from lightning_module.evaluation.protocols import LANDMARKS_2D, test_protocols, validation_protocols
from lightning_module.evaluation.stage_figures import Stage, StepOutput, figures_of
from lightning_module.legacy import migrated_parameters
from lightning_module.losses import Norm, weighted_distance
from lightning_module.map_output import origin, position_maps
from lightning_module.network_check import output_size, require_same_crop, training_offsets
from lightning_module.optimisation import LrSchedule, adam_with_schedule
from lightning_module.region_weights import RegionWeights
from lightning_module.training_resolution import TrainingResolution
from lightning_module.weight_file import read_weight_map

_REGIONS = "regions"  # in a checkpoint


class FaceModule(LightningModule):
    """A network with the region-weighted loss (Shi et al.).

    `forward` returns maps of 256 x 256 texels in pixels of a 256 x 256 crop, for any size of the network's maps.

    Args:
        network: Any module from (N, 3, S, S) RGB in [0, 1] to (N, 3, s, s) offsets in crop pixels.
        image_size: Pixels per side of its input, S; the command line sets it to data.image_size.
        regions: Function that returns the table of regions; the command line sets it to data.regions.
        weights: Weights of regions by name; the others keep their weight of the table.
        landmark_radius_texels: Radius of the discs that the landmarks are drawn as; 0 for single texels, as published.
        weight_map: A .npy file of (256, 256) weights of texels, which replaces the region weights.
        is_residual: Whether the network predicts offsets from the mean map, or else from the middle of the crop.
        loss_norm: Norm of a texel's difference.
        lr: Learning rate of Adam; with "one_cycle", the highest.
        lr_schedule: "halving" at regular intervals, as published, or "one_cycle": a rise, and a decay to nearly 0.
        lr_halving_epochs: Interval of "halving" in epochs.
        mirror_average: Whether tests and predictions average the maps of an image and its mirror image.
        crop_average: Whether they average the maps of an image as it is, turned, enlarged and reduced.
        crop_margin: Margin of its crops, see NetworkCrop; the command line sets it to data.crop_margin.
        detector_crop: For boxes of a detector that finds no landmarks: side of the crop / mean side of the box, and how far
            its centre lies lower, in the same sides; by default derived from crop_margin.

    Attributes:
        map_size: Texels per side of the network's output, s.

    Raises:
        InputError: If the network does not accept such images, or an option is invalid.
    """

    mean_map: Tensor
    regions: Tensor
    landmark_texels: Tensor
    weight_map: Tensor

    def __init__(
        self,
        network: nn.Module,
        image_size: int = 256,
        regions: Callable[[], RegionTable] = five_regions,
        weights: dict[str, float] = {},  # noqa: B006  # read only
        landmark_radius_texels: float = 0.0,
        weight_map: Path | None = None,
        is_residual: bool = True,
        loss_norm: Norm = "l2",
        lr: float = 1e-4,
        lr_schedule: LrSchedule = "halving",
        lr_halving_epochs: int = 20,
        mirror_average: bool = False,
        crop_average: bool = False,
        crop_margin: float = CROP_MARGIN,
        detector_crop: list[float] | None = None,
    ) -> None:
        super().__init__()
        self.save_hyperparameters(logger=False, ignore=["network", "regions"])  # objects in Python
        if "_instantiator" in self.hparams:  # constructed by the command line, where all options are plain values
            self.save_hyperparameters(logger=False)
        self.hparams["weight_map"] = None if weight_map is None else str(weight_map)
        self.region_weights = RegionWeights.of(checked_table(regions), weights, landmark_radius_texels)
        self.hparams.update(self.region_weights.options)  # with the weights that were not given
        self.map_size = output_size(network, image_size)
        self.network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.image_size, self.weight_file = image_size, weight_map
        self.is_residual = is_residual
        self._loss_norm: Norm = loss_norm
        self._lr, self._lr_schedule, self._lr_halving_epochs = lr, lr_schedule, lr_halving_epochs
        self.averages = Averages(mirror_average, crop_average)
        self.crop = NetworkCrop.of_options(crop_margin, detector_crop)
        # stored in checkpoints, so that these need no face model; set by `adopt_layout` or by a checkpoint
        self.register_buffer("mean_map", torch.zeros(3, MAP_SIZE, MAP_SIZE))
        self.register_buffer("regions", torch.zeros(MAP_SIZE, MAP_SIZE, dtype=torch.uint8))
        self.register_buffer("landmark_texels", torch.zeros(LANDMARKS_81, 2, dtype=torch.int64))
        self.register_buffer("weight_map", torch.zeros(MAP_SIZE, MAP_SIZE))
        self.training_resolution = TrainingResolution(self.map_size)  # set when a fit starts
        self._take_regions(self.region_weights.regions)
        self.is_primary_test = False  # whether the fit itself tests on this set, whose figures have short names
        self.tested_epoch: int | None = None  # counted from 1, of the network that a test evaluates
        self.reports: dict[str, dict[str, NMEReport]] = {}  # newest reports of each stage, by protocol
        self._layouts_agree = True

    @property
    def weights_name(self) -> str:
        """The weights in names of runs: their ratio, as in "16-5-4-3-0", or "mask lips" for lips.npy."""
        return self.region_weights.ratio if self.weight_file is None else f"mask {self.weight_file.stem}"

    def adopt_layout(self, layout: UVLayout) -> None:
        """Sets mean map, regions, landmarks and weight map to those of a UV layout."""
        self._take_regions(self.region_weights.regions)
        own = None if self.weight_file is None else read_weight_map(self.weight_file)
        weights = self.region_weights.weight_map(layout.regions, layout.landmark_texels) if own is None else own
        for buffer, array in (
            (self.mean_map, layout.mean_map.transpose(2, 0, 1)),
            (self.regions, layout.regions),
            (self.landmark_texels, layout.landmark_texels),
            (self.weight_map, weights),
        ):
            buffer.copy_(torch.from_numpy(array.copy()))

    def forward(self, image: Tensor) -> Tensor:
        """(N, 3, 256, 256) position maps in crop pixels from (N, 3, image_size, image_size) RGB in [0, 1]."""
        return self._maps(image, NO_AVERAGES)

    def position_maps(self, image: Tensor, averages: Averages | None = None) -> Tensor:
        """The maps of `forward` in full precision, averaged over views, by default over those of the module's options."""
        with torch.autocast(self.device.type, enabled=False):  # also if training uses mixed precision
            return self._maps(image, self.averages if averages is None else averages)

    def landmarks(self, maps: Tensor) -> Tensor:
        """(N, 81, 3) landmarks of (N, 3, 256, 256) maps; the first 68 are iBUG's."""
        row, col = self.landmark_texels.unbind(dim=1)
        return maps[:, :, row, col].mT

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Adds the table of regions as plain values."""
        checkpoint[_REGIONS] = regions_as_data(self.region_table)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Reads the table of regions, and parameters with the names of earlier versions."""
        checkpoint["state_dict"] = migrated_parameters(checkpoint["state_dict"])
        self._take_regions(regions_from_data(checkpoint[_REGIONS]) if _REGIONS in checkpoint else five_regions())

    def setup(self, stage: str) -> None:
        """Adopts the UV layout of the data; a checkpoint that is loaded afterwards replaces it."""
        if stage == "fit":
            self.adopt_layout(face_data(self.trainer).uv_layout)

    def on_fit_start(self) -> None:
        """Checks that checkpoint and data have the same UV layout, and resamples mean map and weights for training."""
        self._compare_layouts()
        regions = torch.from_numpy(face_data(self.trainer).uv_layout.regions)
        if not self._layouts_agree or not torch.equal(self.regions.cpu(), regions):
            raise InputError(
                "the checkpoint was trained on another face model than --data.face_model.path, or on other regions than "
                "--data.regions. Give those that it was trained on, or take its weights only with --init_from."
            )
        self.training_resolution.adopt(self.mean_map, self.weight_map)

    def on_validation_start(self) -> None:
        """Compares the UV layouts of data and network, since dense figures need the same ones."""
        self._compare_layouts()

    def on_test_start(self) -> None:
        """Compares the UV layouts of data and network."""
        self._compare_layouts()

    def training_step(self, batch: FaceBatch, batch_idx: int) -> Tensor:
        """One step of training, at the resolution of the network's maps."""
        own = self.training_resolution
        predicted = training_offsets(self.network, batch.image, self.map_size) + origin(own.mean_map, self.is_residual)
        loss = weighted_distance(predicted, batch.position_map, own.weights, self._loss_norm)
        count = len(batch.image)
        self.log("train/loss", loss, on_step=False, on_epoch=True, sync_dist=True, batch_size=count, prog_bar=True)
        return loss

    def validation_step(self, batch: FaceBatch, batch_idx: int) -> Any:
        """One step of validation."""
        return self._step(batch, "val", self.position_maps(batch.image, NO_AVERAGES))

    def test_step(self, batch: FaceBatch, batch_idx: int) -> Any:
        """One step of testing."""
        return self._step(batch, "test", self.position_maps(batch.image))

    def on_validation_epoch_end(self) -> None:
        """Logs the errors of the validation faces."""
        self._report("val", self.val_errors)

    def on_test_epoch_end(self) -> None:
        """Logs the errors of the test faces."""
        self._report("test", self.test_errors)

    def configure_optimizers(self) -> Any:
        """Adam with the schedule of its learning rate."""
        has_fused = self.device.type in ("cuda", "cpu")
        steps = self.trainer.estimated_stepping_batches if self._lr_schedule == "one_cycle" else 0
        return adam_with_schedule(
            self.parameters(), self._lr, self._lr_schedule, self._lr_halving_epochs, steps, has_fused
        )

    def _step(self, batch: FaceBatch, stage: Stage, predicted: Tensor) -> StepOutput:
        loss = None
        if self._layouts_agree:
            loss = weighted_distance(predicted, batch.position_map, self.weight_map, self._loss_norm)
            options: dict[str, Any] = {"batch_size": len(batch.image), "logger": stage == "val" or self.is_primary_test}
            self.log(f"{stage}/loss_256", loss, on_step=False, on_epoch=True, sync_dist=True, **options)
        predicted_68 = self.landmarks(predicted)[:, :LANDMARKS_68]
        errors = self.val_errors if stage == "val" else self.test_errors
        maps = (predicted, batch.position_map, self.regions) if self._layouts_agree else None
        mean_68 = self.landmarks(self.mean_map[None])[0, :LANDMARKS_68] if stage == "test" else None
        with torch.autocast(self.device.type, enabled=False):  # alignment needs full precision
            errors.update(predicted_68, batch.landmarks_crop_px, batch.yaw_deg, batch.number, maps, mean_68)
        return StepOutput(loss, predicted_68, predicted)

    def _report(self, stage: Stage, errors: FaceErrors) -> None:
        reports = errors.reports()
        errors.reset()
        self.reports[stage] = reports
        is_logged = stage == "val"  # reporting/evaluation_report.py logs tests, with the name of the data set
        headline = f"{stage}/{LANDMARKS_2D.name}/mean"
        figures = figures_of(stage, reports)
        self.log(headline, figures.pop(headline, torch.nan), prog_bar=True, logger=is_logged)
        self.log_dict(figures, logger=is_logged)

    def _maps(self, image: Tensor, averages: Averages) -> Tensor:
        start = origin(self.mean_map, self.is_residual)
        return position_maps(self.network, image, self.training_resolution.enlarge, start, averages)

    def _take_regions(self, table: RegionTable) -> None:
        self.region_table = table
        self.val_errors = FaceErrors(validation_protocols(table)).to(self.device)
        self.test_errors = FaceErrors(test_protocols(table)).to(self.device)

    def _compare_layouts(self) -> None:
        layout = face_data(self.trainer).uv_layout
        require_same_crop(layout.crop_margin, self.crop.margin)
        mean_map = self.mean_map.permute(1, 2, 0).cpu().numpy()
        self._layouts_agree = layout.agrees_with(self.landmark_texels.cpu().numpy(), mean_map)
