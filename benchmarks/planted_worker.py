"""A worker of a sweep whose training targets of eyes and nose are displaced, and its network.

    python -m benchmarks.planted_worker planted|clean STAGE

The 81 landmarks are a region of their own and stay true, as do validation and test.
"""

import sys
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from datamodules.face_datamodule import FaceDataModule
from datamodules.types import FaceBatch
from lightning_module.face_module import FaceModule
from lightning_module.networks.compact import CompactNetwork
from sweeps.worker_process import run_worker

OFFSET_PX = 2.0  # of the crop


class SmoothNetwork(nn.Module):
    """Maps that are interpolated from 8 x 8 texels, so that landmarks follow the texels around them.

    A network with a bias of its own for each texel learns constant displacements of a region without any effect on the
    landmarks inside it; weights would have nothing to do.

    Args:
        image_size: Pixels per side of the input.
        map_size: Texels per side of the output.
    """

    def __init__(self, image_size: int = 32, map_size: int = 96) -> None:
        super().__init__()
        self.network = CompactNetwork(channels=16, stem_channels=8, image_size=image_size, map_size=8)
        self.size = map_size, map_size

    def forward(self, image: Tensor) -> Tensor:
        """(N, 3, map_size, map_size) offsets in crop pixels from (N, 3, image_size, image_size) RGB in [0, 1]."""
        return functional.interpolate(self.network(image), self.size, mode="bilinear", align_corners=True)


def displaced(batch: FaceBatch, module: FaceModule) -> FaceBatch:
    """The batch, whose targets of eyes and nose are shifted along x."""
    batch.position_map[:, 0, _eyes_and_nose(module)] += OFFSET_PX
    return batch


def _eyes_and_nose(module: FaceModule) -> Tensor:
    """(s, s) texels of the maps that are trained on, but for those that a landmark is interpolated from."""
    label = next(region.label for region in module.region_table if region.name == "eyes_nose")
    is_eyes_and_nose = (module.regions == label).float()
    is_landmark = torch.zeros_like(is_eyes_and_nose)
    is_landmark[tuple(module.landmark_texels.T)] = 1
    enlarge = module.training_resolution.enlarge
    nearest = torch.linspace(0, len(module.regions) - 1, enlarge.shape[1]).round().long()
    return (is_eyes_and_nose[nearest][:, nearest] == 1) & (enlarge.mT @ is_landmark @ enlarge == 0)


_clean = FaceDataModule.on_after_batch_transfer


def _planted(self: FaceDataModule, batch: FaceBatch, dataloader_idx: int) -> FaceBatch:
    batch = _clean(self, batch, dataloader_idx)
    is_training = self.trainer is not None and self.trainer.training
    return displaced(batch, cast(FaceModule, cast(Any, self.trainer).lightning_module)) if is_training else batch


if __name__ == "__main__":
    if sys.argv[1] == "planted":
        FaceDataModule.on_after_batch_transfer = _planted  # type: ignore[method-assign]
    run_worker(sys.argv[2])
