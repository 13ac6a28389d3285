"""The data loader of faces, whose order depends on seed and epoch only."""

from typing import Any

import torch
from pytorch_lightning import Trainer
from torch.utils.data import DataLoader

from datamodules.dataset import FaceDataset
from datamodules.epoch_sampler import EpochSampler
from datamodules.synthetic.stream import StreamedFaces
from datamodules.types import FaceSample


def face_loader(
    faces: FaceDataset | StreamedFaces,
    trainer: Trainer | None,
    shuffle: bool,
    seed: int,
    batch_size: int,
    num_workers: int,
) -> DataLoader[FaceSample]:
    """The loader of some faces.

    Args:
        faces: The faces.
        trainer: The trainer that they are for, whose processes share them; None outside of one.
        shuffle: Whether each epoch has another order.
        seed: Seed of the order.
        batch_size: Faces per step, on each device.
        num_workers: Processes that make samples.
    """
    replicas, rank = (trainer.world_size, trainer.global_rank) if trainer else (1, 0)
    sampler = EpochSampler(faces, replicas, rank, shuffle, seed)
    if trainer is not None:
        # Lightning sets the epoch of a resumed fit only after its workers have fetched their first batches
        progress: Any = trainer.fit_loop.epoch_progress.current
        sampler.set_epoch(progress.processed)
    return DataLoader(
        faces,
        batch_size=batch_size,
        sampler=sampler,
        # batch norm has no statistics in a last batch of one face; each epoch leaves out another face
        drop_last=shuffle and len(sampler) > batch_size and len(sampler) % batch_size == 1,
        num_workers=num_workers,
        persistent_workers=num_workers > 0,
        pin_memory=torch.cuda.is_available(),
    )
