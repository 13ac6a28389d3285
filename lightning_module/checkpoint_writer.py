"""Writes checkpoints completely or not at all, beside their place instead of in the temporary folder, and reads them."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from lightning_fabric.plugins.io.torch_io import TorchCheckpointIO
from lightning_fabric.utilities.types import _PATH
from pytorch_lightning import Trainer

from datamodules.errors import InputError, cannot_write, reason
from datamodules.files.atomic_files import write_whole
from lightning_module.packed_network import is_packed, read_packed


class WholeCheckpointIO(TorchCheckpointIO):
    """Writes checkpoints, whose content reaches the disk before they have their names.

    Lightning writes to TMPDIR first, which may be small or another disk, and moves the file then.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: _PATH, storage_options: Any | None = None) -> None:
        """See CheckpointIO; raises InputError if the file cannot be written."""
        if "://" in str(path) or storage_options is not None:
            super().save_checkpoint(checkpoint, path, storage_options)
            return
        content = BytesIO()
        torch.save(checkpoint, content)
        place = Path(path)
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            write_whole(place, content.getbuffer())
        except OSError as error:
            raise cannot_write(place, error, "--tracking.folder") from error

    def load_checkpoint(
        self,
        path: _PATH,
        map_location: Callable[..., Any] | None = lambda storage, _: storage,
        weights_only: bool | None = None,
    ) -> dict[str, Any]:
        """See CheckpointIO; reads network files too.

        Raises:
            InputError: If the file is damaged where its list of contents does not show it.
        """
        if is_packed(Path(path)):
            return read_packed(Path(path))
        try:
            return super().load_checkpoint(path, map_location, weights_only)
        except (FileNotFoundError, MemoryError):
            raise
        except Exception as error:  # what torch raises depends on where the damage lies
            fault = (reason(error).splitlines() or [""])[0]
            raise InputError(
                f"{path}: is damaged ({fault}). Give another checkpoint, such as the run's best.ckpt or last.ckpt."
            ) from error


def write_whole_checkpoints(trainer: Trainer) -> None:
    """Makes a trainer write its checkpoints so, unless the user has chosen how they are written."""
    if type(trainer.strategy.checkpoint_io) is TorchCheckpointIO:
        trainer.strategy.checkpoint_io = WholeCheckpointIO()
