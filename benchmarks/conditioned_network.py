"""One network for all ratios, conditioned on the logarithms of the weights.

Dosovitskiy and Djolonga, "You only train once: loss-conditional training of deep networks" (ICLR 2020). Each training step
draws a ratio, weighs its loss by it, and tells it to the network, which scales and shifts its features accordingly
(Perez et al., "FiLM: visual reasoning with a general conditioning layer", AAAI 2018).
"""

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor, nn

from datamodules.geometry.landmarks import LANDMARKS_68
from datamodules.geometry.regions import five_regions
from lightning_module.evaluation.face_errors import FaceErrors
from lightning_module.evaluation.protocols import validation_protocols
from lightning_module.face_module import FaceModule
from lightning_module.networks.compact import CompactNetwork
from lightning_module.region_weights import RegionWeights

SEARCHED = ("landmarks", "eyes_nose", "mouth")
_HIDDEN = 64
_FACE_WEIGHT = 3.0

Ratio = tuple[float, ...]  # weights of SEARCHED beside 3 of the rest of the face and 0 of the neck


class ConditionedNetwork(nn.Module):
    """The compact network with features that are scaled and shifted by functions of a ratio.

    Args:
        channels: As in `CompactNetwork`.
        image_size: Pixels per side of the input.
        map_size: Texels per side of the output.

    Attributes:
        condition: (3,) the searched weights' logarithms, from -1 to 1 over their ranges.
    """

    condition: Tensor

    def __init__(self, channels: int = 32, image_size: int = 64, map_size: int = 32) -> None:
        super().__init__()
        self.network = CompactNetwork(channels, image_size=image_size, map_size=map_size)
        self.register_buffer("condition", normalised((16.0, 5.0, 4.0)))
        blocks = list(self.network.blocks)
        widths = [cast(Any, block).second_norm.num_features for block in blocks]
        self.hidden = nn.Sequential(nn.Linear(len(SEARCHED), _HIDDEN), nn.ReLU())
        self.films = nn.ModuleList(nn.Linear(_HIDDEN, 2 * width) for width in widths)
        for film in self.films:  # the plain network at first
            nn.init.zeros_(cast(nn.Linear, film).weight)
            nn.init.zeros_(cast(nn.Linear, film).bias)
        for block, film in zip(blocks, self.films, strict=True):
            block.register_forward_hook(lambda _, __, features, film=film: self._modulated(features, film))

    def forward(self, image: Tensor) -> Tensor:
        """(N, 3, map_size, map_size) offsets in crop pixels from (N, 3, image_size, image_size) RGB in [0, 1]."""
        offsets: Tensor = self.network(image)
        return offsets

    def _modulated(self, features: Tensor, film: nn.Module) -> Tensor:
        scale, shift = film(self.hidden(self.condition)).chunk(2)
        return features * (1 + scale[:, None, None]) + shift[:, None, None]


def ranges() -> NDArray[np.float64]:
    """(3, 2) lowest and highest logarithm of each searched weight."""
    by_name = {region.name: region.search_range for region in five_regions()}
    return np.log([cast(tuple[float, float], by_name[name]) for name in SEARCHED])


def normalised(ratio: Ratio) -> Tensor:
    """(3,) logarithms of a ratio, from -1 to 1 over the ranges of the search."""
    low, high = ranges().T
    return torch.tensor(2 * (np.log(ratio) - low) / (high - low) - 1, dtype=torch.float32)


def drawn(rng: np.random.Generator) -> Ratio:
    """A ratio from a uniform distribution of its logarithms."""
    low, high = ranges().T
    return tuple(np.exp(rng.uniform(low, high)).tolist())


def region_weights(ratio: Ratio) -> RegionWeights:
    """The weights of all regions."""
    weights = dict(zip(SEARCHED, ratio, strict=True)) | {"face": _FACE_WEIGHT, "neck": 0.0}
    return RegionWeights.of(five_regions(), weights)


class DrawnRatios(Callback):
    """Draws a ratio for each step of training, and measures the trained network at given ones.

    Args:
        seed: Seed of the drawing.
        measured: Ratios that the trained network is evaluated at.

    Attributes:
        validation: For each of them, the validation error by protocol in percent, as a mean of yaw bins.
        test: The same on the test faces.
    """

    def __init__(self, seed: int, measured: Sequence[Ratio]) -> None:
        self._rng = np.random.default_rng(seed)
        self._measured = measured
        self.validation: list[dict[str, float]] = []
        self.test: list[dict[str, float]] = []

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Gives network and loss the ratio of this step."""
        module = cast(FaceModule, pl_module)
        ratio = drawn(self._rng)
        _set_condition(module, ratio)
        layout = cast(Any, trainer).datamodule.uv_layout
        weights = region_weights(ratio).weight_map(layout.regions, layout.landmark_texels)
        own = module.training_resolution
        resampled = own.enlarge.mT @ torch.from_numpy(weights).to(module.device) @ own.enlarge
        own.weights.copy_(resampled / resampled[resampled > 0].mean())

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Evaluates the network."""
        module, data = cast(FaceModule, pl_module), cast(Any, trainer).datamodule
        data.setup("test")
        self.validation = self._evaluated(module, data, data.val_dataloader()[0])
        self.test = self._evaluated(module, data, data.test_dataloader())

    def _evaluated(self, module: FaceModule, data: Any, loader: Any) -> list[dict[str, float]]:
        module.eval()
        errors = [FaceErrors(validation_protocols(module.region_table)) for _ in self._measured]
        with torch.no_grad():
            for samples in loader:
                batch = data.on_after_batch_transfer(data.transfer_batch_to_device(samples, module.device, 0), 0)
                for ratio, own in zip(self._measured, errors, strict=True):
                    _set_condition(module, ratio)
                    maps = module.position_maps(batch.image)
                    landmarks = module.landmarks(maps)[:, :LANDMARKS_68]
                    own.update(landmarks, batch.landmarks_crop_px, batch.yaw_deg, batch.number, None, None)
        return [{name: float(report.mean_of_bins) for name, report in own.reports().items()} for own in errors]


def _set_condition(module: FaceModule, ratio: Ratio) -> None:
    cast(ConditionedNetwork, module.network).condition.copy_(normalised(ratio))
