"""Trained networks that map crops to position maps, from a checkpoint or from an exported file."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from datamodules.geometry.crop import NetworkCrop
from datamodules.geometry.regions import RegionTable, face_labels
from datamodules.network_input import network_input
from lightning_module.averaged_maps import NO_AVERAGES, Averages
from lightning_module.checkpoint import load_module
from lightning_module.face_module import FaceModule
from lightning_module.inference.export.formats import FORMATS, OnnxNetwork
from lightning_module.inference.face import MapLayout


class MapNetwork(Protocol):
    """The interface of a network that maps crops to position maps.

    Attributes:
        image_size: Pixels per side of its crops, S.
        layout: Layout of its maps.
    """

    image_size: int
    layout: MapLayout

    def maps(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(N, 256, 256, 3) x, y, z in crop pixels from (N, S, S, 3) uint8 RGB crops."""
        ...


class CropNetwork:
    """A network on its device.

    Args:
        maps: Function from (N, 3, S, S) RGB in [0, 1] and the averages to (N, 3, 256, 256) position maps.
        averages: The views of each crop whose maps are averaged.
        image_size: Pixels per side of its crops, S.
        device: Device of the network.
        layout: Layout of its maps.
    """

    def __init__(
        self,
        maps: Callable[[Tensor, Averages], Tensor],
        averages: Averages,
        image_size: int,
        device: torch.device,
        layout: MapLayout,
    ) -> None:
        self._maps = maps
        self._averages = averages
        self._device = device
        self.image_size = image_size
        self.layout = layout

    def maps(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(N, 256, 256, 3) x, y, z in crop pixels from (N, S, S, 3) uint8 RGB crops."""
        image = network_input(torch.from_numpy(crops).to(self._device))
        with torch.inference_mode():
            maps = self._maps(image, self._averages)
        return np.asarray(maps.permute(0, 2, 3, 1).cpu().numpy())

    def of_single_crops(self) -> "CropNetwork":
        """The same network without averages over crops; itself, if it has none."""
        if not self._averages.crops:
            return self
        return CropNetwork(self._maps, self._averages.changed(None, False), self.image_size, self._device, self.layout)


def load_network(path: Path, mirror_average: bool | None = None, crop_average: bool | None = None) -> CropNetwork:
    """The network of a checkpoint, on the GPU where there is one, or of an ONNX file, on the CPU.

    Args:
        path: The file.
        mirror_average: Whether to average the maps of each crop and its mirror image; by default the setting of the
            checkpoint. An ONNX file that was exported with averaging always averages.
        crop_average: The same for the crop as it is, turned, enlarged and reduced.

    Raises:
        InputError: If the file does not exist or is neither.
    """
    if path.suffix.lower() != FORMATS["onnx"].ending:
        return network_of(load_module(path), mirror_average, crop_average)
    network = OnnxNetwork(path)

    def maps(image: Tensor) -> Tensor:
        return network(image).position_map

    size = network.image_size
    constants = network(torch.zeros(1, 3, size, size))
    layout = _layout(
        constants.mean_map, constants.regions, constants.landmark_texels, network.region_table, network.crop
    )
    averages = NO_AVERAGES.changed(mirror_average, crop_average)
    return CropNetwork(lambda image, views: views.maps(maps, image), averages, size, torch.device("cpu"), layout)


def network_of(module: FaceModule, mirror_average: bool | None = None, crop_average: bool | None = None) -> CropNetwork:
    """The network of a module in memory, moved to the GPU where there is one."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    module = module.to(device)
    layout = _layout(module.mean_map, module.regions, module.landmark_texels, module.region_table, module.crop)
    averages = module.averages.changed(mirror_average, crop_average)
    return CropNetwork(module.position_maps, averages, module.image_size, device, layout)


def _layout(
    mean_map: Tensor, regions: Tensor, landmark_texels: Tensor, table: RegionTable, crop: NetworkCrop
) -> MapLayout:
    is_face = np.isin(regions.cpu().numpy(), face_labels(table))
    return MapLayout.of(mean_map.permute(1, 2, 0).cpu().numpy(), is_face, landmark_texels.cpu().numpy(), crop)
