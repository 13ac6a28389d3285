"""A worker whose training data lie: the eyes' and nose's targets are 6 px off, and nothing else is.

The 81 landmarks are an area of their own and stay true, as do validation and test.
"""

import sys
from typing import Any

import torch

import run
from datamodules.face_datamodule import FaceDataModule
from datamodules.geometry.landmarks import Region
from sweeps.worker import run_worker

OFFSET_PX = 6.0

_clean = FaceDataModule.on_after_batch_transfer


def _planted(self: FaceDataModule, batch: Any, dataloader_idx: int) -> Any:
    batch = _clean(self, batch, dataloader_idx)
    if self.trainer and self.trainer.training:
        batch.position_map[:, 0, _eyes_and_nose(self)] += OFFSET_PX
    return batch


def _eyes_and_nose(data: FaceDataModule) -> torch.Tensor:
    """(S, S) texels of the smaller maps that are trained on, but for those that a landmark is read from."""
    enlarge = data.trainer.lightning_module.enlarge
    regions = torch.from_numpy(data.uv_layout.regions.copy())
    nearest = torch.linspace(0, len(regions) - 1, enlarge.shape[1]).round().long()
    landmarks = torch.zeros(regions.shape)
    landmarks[tuple(torch.from_numpy(data.uv_layout.landmark_texels).T)] = 1
    return (regions[nearest][:, nearest] == Region.EYES_NOSE) & ((enlarge.T @ landmarks @ enlarge) == 0)


if __name__ == "__main__":
    if sys.argv[1] == "planted":
        FaceDataModule.on_after_batch_transfer = _planted  # type: ignore[method-assign]
    run_worker(sys.argv[2], run.fit)
