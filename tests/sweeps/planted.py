"""A worker whose training data lie: the eyes' and nose's targets are 6 px off, and nothing else is.

The 81 landmarks are an area of their own and stay true, as do validation and test.
"""

import sys
from typing import Any

import torch

from datamodules.face_datamodule import FaceDataModule
from sweeps.worker_process import run_worker

OFFSET_PX = 6.0

_clean = FaceDataModule.on_after_batch_transfer


def _planted(self: FaceDataModule, batch: Any, dataloader_idx: int) -> Any:
    batch = _clean(self, batch, dataloader_idx)
    if self.trainer and self.trainer.training:
        batch.position_map[:, 0, _eyes_and_nose(self.trainer.lightning_module)] += OFFSET_PX
    return batch


def _eyes_and_nose(module: Any) -> torch.Tensor:
    """(S, S) texels of the smaller maps that are trained on, but for those that a landmark is interpolated from."""
    label = next(region.label for region in module.region_table if region.name == "eyes_nose")
    is_eyes_and_nose = (module.regions == label).float()
    is_landmark = torch.zeros_like(is_eyes_and_nose)
    is_landmark[tuple(module.landmark_texels.T)] = 1
    nearest = torch.linspace(0, len(module.regions) - 1, module.enlarge.shape[1]).round().long()
    return (is_eyes_and_nose[nearest][:, nearest] == 1) & (module.enlarge.mT @ is_landmark @ module.enlarge == 0)


if __name__ == "__main__":
    if sys.argv[1] == "planted":
        FaceDataModule.on_after_batch_transfer = _planted  # type: ignore[method-assign]
    run_worker(sys.argv[2])
