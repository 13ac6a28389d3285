"""Reads the training progress in a checkpoint."""

from dataclasses import dataclass
from pathlib import Path

import torch

from lightning_module.packed_network import FACTS, is_packed, read_packed


@dataclass(frozen=True)
class Progress:
    """The training progress in a checkpoint.

    Attributes:
        is_epoch_end: Whether it was saved at the end of an epoch.
        has_optimizer: Whether it holds the state of the optimiser.
        epoch: The epoch that was trained last, counted from 1; None in files of other programs.
    """

    is_epoch_end: bool
    has_optimizer: bool
    epoch: int | None


def read_progress(path: Path) -> Progress:
    """The progress of a checkpoint that Lightning wrote, or of the training that a network file comes from."""
    if is_packed(path):
        epoch = read_packed(path)[FACTS].get("epoch", "")
        return Progress(False, False, int(epoch) if epoch.isdecimal() else None)
    checkpoint = torch.load(path, weights_only=True, map_location="cpu", mmap=True)
    fit_loop = checkpoint.get("loops", {}).get("fit_loop", {})
    batches = fit_loop.get("epoch_loop.batch_progress", {})
    trained = fit_loop.get("epoch_progress", {}).get("current", {}).get("started")
    return Progress(bool(batches.get("is_last_batch")), bool(checkpoint.get("optimizer_states")), trained)
