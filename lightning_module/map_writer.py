"""Predicted position maps, as files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import BasePredictionWriter
from torch import Tensor

from datamodules.errors import InputError
from datamodules.types import FaceBatch


class PredictionWriter(BasePredictionWriter):
    """Writes `<key>.npy`, (256, 256, 3) float32 in crop pixels, the format of PRNet and of `run.py prepare`.

    Args:
        folder: Where to.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(write_interval="batch")
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"{folder}: cannot be written ({error.strerror}). Set --out to a folder that can."
            ) from error
        self._folder = folder

    def write_on_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        prediction: Tensor,
        batch_indices: Sequence[int] | None,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int,
    ) -> None:
        """Writes one batch."""
        faces: FaceBatch = batch
        for key, position_map in zip(faces.key, prediction.permute(0, 2, 3, 1).cpu().numpy(), strict=True):
            path = self._folder / f"{key}.npy"
            path.parent.mkdir(parents=True, exist_ok=True)
            np.save(path, position_map)
