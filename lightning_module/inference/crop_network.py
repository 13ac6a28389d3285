"""A trained network, whatever file it comes from, as what gives maps of crops."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lightning_module.checkpoint import load_module
from lightning_module.face_module import FaceModule
from lightning_module.inference.export.exported_network import Outputs
from lightning_module.inference.export.formats import FORMATS, OnnxNetwork, Runner
from lightning_module.map_output import mirror_averaged


class CropNetwork:
    """What the faces of photographs are reconstructed with.

    Args:
        run: Gives maps and constants of (N, 3, S, S) RGB in [0, 1].
        image_size: Pixels a side of its crops, S.
        device: Where it runs.
        mirror_average: Whether to average the map of each crop and that of its mirror image.
    """

    def __init__(self, run: Runner, image_size: int, device: torch.device, mirror_average: bool = False) -> None:
        self._run = run
        self._device = device
        self._mirror_average = mirror_average
        self.image_size = image_size
        constants = run(torch.zeros(1, 3, image_size, image_size, device=device))
        self.mean_map: NDArray[np.float32] = constants.mean_map.permute(1, 2, 0).cpu().numpy()
        self.regions: NDArray[np.uint8] = constants.regions.cpu().numpy()
        self.landmark_texels: NDArray[np.int64] = constants.landmark_texels.cpu().numpy()

    def maps(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(N, 256, 256, 3) x, y, z in crop pixels of (N, S, S, 3) RGB crops."""
        image = torch.from_numpy(crops).to(self._device).permute(0, 3, 1, 2).float().div_(255)
        with torch.inference_mode():
            maps = mirror_averaged(self._map, image) if self._mirror_average else self._map(image)
        return np.asarray(maps.permute(0, 2, 3, 1).cpu().numpy())

    def _map(self, image: Tensor) -> Tensor:
        return self._run(image).position_map


def load_network(path: Path, mirror_average: bool = False) -> CropNetwork:
    """Of a checkpoint, on the GPU where there is one, or of an ONNX file.

    Raises:
        InputError: If there is no such file, or it is neither.
    """
    if path.suffix.lower() == FORMATS["onnx"].ending:
        network = OnnxNetwork(path)
        return CropNetwork(network, network.image_size, torch.device("cpu"), mirror_average)
    return network_of(load_module(path), mirror_average)


def network_of(module: FaceModule, mirror_average: bool = False) -> CropNetwork:
    """Of a network in memory, moved to the GPU where there is one."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    module = module.to(device)

    def run(image: Tensor) -> Outputs:
        maps: Tensor = module(image)
        return Outputs(maps, module.landmarks(maps), module.mean_map, module.regions, module.landmark_texels)

    return CropNetwork(run, module.image_size, device, mirror_average or module.mirror_average)
