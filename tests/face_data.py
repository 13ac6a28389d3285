"""Data modules over fakes."""

from pathlib import Path
from typing import Any

from datamodules.augmentation.augmentation_options import Augmentation
from datamodules.augmentation.pose.pose_options import PoseAugmentation
from datamodules.face_datamodule import FaceDataModule
from datamodules.face_model import FaceModelOptions
from datamodules.readers.face_index import FaceIndex, open_index
from datamodules.readers.index_options import IndexOptions, Verification
from datamodules.readers.reader_300w import Reader300W
from datamodules.test_set import FaceTestOptions

NO_AUGMENTATION = Augmentation(0.0, (1.0, 1.0), 0.0, 0.0, (1.0, 1.0), 0.0)


def face_data(
    root: Path,
    model_file: Path | None,
    test_root: Path | None = None,
    max_bad_fraction: float = 0.01,
    pose_probability: float | None = None,
    **options: Any,
) -> FaceDataModule:
    """A data module in one process, with the options that tests change most."""
    return FaceDataModule(
        root,
        face_model=FaceModelOptions(model_file),
        test=FaceTestOptions(test_root),
        pose_augmentation=PoseAugmentation(probability=pose_probability),
        **{"num_workers": 0, "index": IndexOptions(max_bad_fraction=max_bad_fraction), **options},
    )


def face_index(root: Path, cache: Path, verify: Verification = "header", processes: int = 1) -> FaceIndex:
    """The index of a folder of photographs with .mat files."""
    return open_index(root, Reader300W(), IndexOptions(verify, cache_dir=cache), processes)
