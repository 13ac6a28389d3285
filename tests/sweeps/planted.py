"""A worker whose training data lie: the eyes' and nose's targets are 6 px off, and nothing else is.

The 81 landmarks are an area of their own and stay true, as do validation and test. The fault is one of 256 x 256
texels; on the smaller maps trained on here it is averaged by the trial's own weights, so its size there depends on them.
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
        batch.position_map[:, 0] += OFFSET_PX * _wrong_share(self.trainer.lightning_module)
    return batch


def _wrong_share(module: Any) -> torch.Tensor:
    """(S, S) how much of the weight of each texel of a smaller map comes from texels of 256 x 256 that are off.

    The network's map is interpolated to 256, where the fault is: what pulls at one of its texels is the weighted mean
    of all that is interpolated from it, landmarks and their surroundings alike.
    """
    is_wrong = (module.regions == Region.EYES_NOSE).float()
    is_wrong[tuple(module.landmark_texels.T)] = 0
    all_weight = module.enlarge.mT @ module.weight_map @ module.enlarge
    wrong_weight = module.enlarge.mT @ (module.weight_map * is_wrong) @ module.enlarge
    return wrong_weight / all_weight.clamp_min(1e-9)


if __name__ == "__main__":
    if sys.argv[1] == "planted":
        FaceDataModule.on_after_batch_transfer = _planted  # type: ignore[method-assign]
    run_worker(sys.argv[2], run.fit)
