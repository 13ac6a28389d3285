"""The order of the faces in an epoch: a seeded permutation whose items carry the epoch."""

from collections.abc import Iterator

from torch.utils.data import Dataset, DistributedSampler

from datamodules.types import FaceSample


class EpochSampler(DistributedSampler[int]):
    """Torch's distributed sampler, with (epoch, position) in place of positions.

    A worker process outlives an epoch, so it learns the epoch from the items. Lightning recognises the base class: it
    sets the epoch, and does not replace the sampler with one of its own.
    """

    def __init__(self, faces: Dataset[FaceSample], replicas: int, rank: int, shuffle: bool, seed: int) -> None:
        super().__init__(faces, replicas, rank, shuffle=shuffle, seed=seed)

    def __iter__(self) -> Iterator[tuple[int, int]]:  # type: ignore[override]  # a pair is what the dataset takes
        for position in super().__iter__():
            yield self.epoch, position
