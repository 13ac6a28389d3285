"""A callback that writes the position maps that a test predicts."""

from pathlib import Path
from typing import Any, cast

import numpy as np
from pytorch_lightning import Callback, LightningModule, Trainer

from datamodules.errors import cannot_write
from datamodules.types import FaceBatch
from lightning_module.evaluation.stage_figures import StepOutput


class MapWriter(Callback):
    """Writes `<key>.npy`, (256, 256, 3) float32 in crop pixels, the format of PRNet and of `run.py prepare`.

    Args:
        folder: Folder to write to.

    Raises:
        InputError: If the folder cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise cannot_write(folder, error, "--maps") from error
        self._folder = folder

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Tells where the maps are."""
        if trainer.is_global_zero:
            print(f"Position maps: {self._folder}")

    def on_test_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Writes the maps of one batch."""
        maps = cast(StepOutput, outputs).position_map.permute(0, 2, 3, 1).float().cpu().numpy()
        for key, position_map in zip(cast(FaceBatch, batch).key, maps, strict=True):
            path = self._folder / f"{key}.npy"
            path.parent.mkdir(parents=True, exist_ok=True)
            np.save(path, position_map)
