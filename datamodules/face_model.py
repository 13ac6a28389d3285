"""The face model of the data: its file, its layout in UV space, and position maps of its coefficients."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from datamodules.data_checks import required
from datamodules.errors import InputError
from datamodules.files.bfm import read_morphable_model
from datamodules.files.dataset_card import read_card
from datamodules.geometry.morphable_model import MorphableModel
from datamodules.geometry.regions import RegionTable
from datamodules.geometry.uv_layout import UVLayout, make_uv_layout
from datamodules.position_map import PositionMapper


@dataclass(frozen=True)
class FaceModelOptions:
    """The face model that samples' coefficients refer to.

    Args:
        path: BFM.mat in face3d's layout; by default the file that the data set's card names.
        uv_coordinates: Its texture coordinates; by default BFM_UV.mat in the same folder.
    """

    path: Path | None = None
    uv_coordinates: Path | None = None

    def file(self, root: Path | None) -> Path:
        """The model's file.

        Args:
            root: Folder of a data set, whose card may name the file.

        Raises:
            InputError: If neither the option nor a card names it.
        """
        named = read_card(root).morphable_model if root and root.is_dir() else ""
        path = root / named if root and named and self.path is None else self.path
        return required(path, "--data.face_model.path", "the path of BFM.mat")


class FaceModel:
    """A morphable model, its layout in UV space and its position mappers, each made at its first use.

    Args:
        path: BFM.mat.
        uv_coordinates: Its texture coordinates; by default BFM_UV.mat in the same folder.
        regions: The regions of its UV space.
    """

    def __init__(self, path: Path, uv_coordinates: Path | None, regions: RegionTable) -> None:
        self.path = path
        self._uv_coordinates = uv_coordinates
        self._regions = regions
        self._mappers: dict[int, PositionMapper] = {}

    @cached_property
    def morphable(self) -> MorphableModel:
        """The model."""
        return read_morphable_model(self.path, self._uv_coordinates)

    @cached_property
    def layout(self) -> UVLayout:
        """The layout of the model's UV space, which the network learns."""
        try:
            return make_uv_layout(self.morphable, regions=self._regions)
        except InputError:
            raise
        except ValueError as error:
            raise InputError(f"{self._uv_coordinates or self.path}: {error}") from error

    def mapper(self, size: int) -> PositionMapper:
        """The mapper to position maps of `size` texels per side."""
        if size not in self._mappers:
            self._mappers[size] = PositionMapper(self.morphable, size)
        return self._mappers[size]
