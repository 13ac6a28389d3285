"""The two kinds of training target behind one interface: coefficients of a face model, and stored position maps."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from datamodules.augmentation.pose.pose_options import PoseAugmentation
from datamodules.face_model import FaceModel, FaceModelOptions
from datamodules.files.position_map_files import LAYOUT_FILE
from datamodules.fitted_faces import FittedFaces
from datamodules.geometry.regions import RegionTable
from datamodules.geometry.uv_layout import UVLayout
from datamodules.opened_dataset import OpenedDataset
from datamodules.readers.index_options import IndexOptions
from datamodules.readers.sample_reader import MapReader, SampleReader
from datamodules.replaced_landmarks import ReplacedLandmarks
from datamodules.sample_maker import Placement
from datamodules.stored_faces import StoredFaces

Index = TypeVar("Index")


class Mapper(Protocol):
    """Makes (N, 3, S, S) position maps from the surfaces, projections and mirror flags of collated samples."""

    def to(self, device: torch.device) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
        """The mapper on a device."""
        ...


class Targets(Protocol[Index]):
    """Opens data sets of one kind, and makes the position maps of their samples."""

    def check(self) -> None:
        """Raises InputError where a file that position maps depend on is missing."""
        ...

    @property
    def layout(self) -> UVLayout:
        """The layout of the UV space that the network learns."""
        ...

    @property
    def fingerprint(self) -> str:
        """16 hexadecimal digits of everything except the samples that position maps depend on."""
        ...

    def index(self, root: Path, landmarks: ReplacedLandmarks | None = None) -> Index:
        """The index of a data set, with its landmarks replaced if others are given."""
        ...

    def opened(self, index: Index) -> OpenedDataset:
        """The usable faces of an index; logs the others."""
        ...

    def training_placement(self, index: Index, rows: NDArray[np.intp], options: PoseAugmentation) -> Placement[Any]:
        """The placement of the faces of (M,) rows while they are trained on."""
        ...

    def mapper(self, size: int) -> Mapper:
        """The mapper to position maps of `size` texels per side."""
        ...


def targets_of(
    reader: SampleReader | MapReader,
    root: Path | None,
    model: FaceModelOptions,
    regions: RegionTable,
    options: IndexOptions,
    processes: int,
) -> Targets[Any]:
    """The kind of training target that a reader provides.

    Args:
        reader: Reads the data sets.
        root: Folder of one of them, whose card may name the face model.
        model: The face model; for stored maps, by default the label file in their folder.
        regions: The regions of the face.
        options: Options of the index.
        processes: Number of processes that read files.
    """
    if not isinstance(reader, MapReader):
        return FittedFaces(reader, FaceModel(model.file(root), model.uv_coordinates, regions), options, processes)
    label_file = (root or Path()) / LAYOUT_FILE
    face_model = None if model.path is None else FaceModel(model.path, model.uv_coordinates, regions)
    return StoredFaces(reader, face_model, label_file, regions, options, processes)
