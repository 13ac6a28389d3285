"""The network as it is exported: without Lightning and batch norms, with all outputs that a face needs."""

from typing import NamedTuple

from torch import Tensor, nn

from lightning_module.face_module import FaceModule
from lightning_module.inference.export.folding import folded
from lightning_module.map_output import origin, position_maps

INPUT = "image"


class Outputs(NamedTuple):
    """The outputs of every exported file, in this order and under these names.

    Attributes:
        position_map: (N, 3, 256, 256) x, y, z in crop pixels, whose square is 0 to 255.
        landmarks_81: (N, 81, 3) the landmarks of the map; the first 68 are iBUG's.
        mean_map: (3, 256, 256) position map of the frontal mean face, which head poses are measured against.
        regions: (256, 256) uint8 labels of the regions; the file's model card names them.
        landmark_texels: (81, 2) int64 row, col.
    """

    position_map: Tensor
    landmarks_81: Tensor
    mean_map: Tensor
    regions: Tensor
    landmark_texels: Tensor


class ExportedNetwork(nn.Module):
    """A trained network with position maps and landmarks as outputs, with the averages of its module.

    Args:
        module: The trained module.
    """

    its_mean_map: Tensor  # in ONNX, a buffer must not have the name of an output
    its_regions: Tensor
    its_landmark_texels: Tensor
    its_enlarge: Tensor

    def __init__(self, module: FaceModule) -> None:
        super().__init__()
        self.network = folded(module.network, module.image_size)
        self.region_table = module.region_table
        self.crop = module.crop
        self._averages = module.averages
        self._is_residual = module.is_residual
        self.register_buffer("its_mean_map", module.mean_map.clone())
        self.register_buffer("its_regions", module.regions.clone())
        self.register_buffer("its_landmark_texels", module.landmark_texels.clone())
        self.register_buffer("its_enlarge", module.training_resolution.enlarge.clone())

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """The outputs of (N, 3, image_size, image_size) RGB in [0, 1]."""
        start = origin(self.its_mean_map, self._is_residual)
        maps = position_maps(self.network, image, self.its_enlarge, start, self._averages)
        row, col = self.its_landmark_texels.unbind(dim=1)
        constants = (self.its_mean_map.clone(), self.its_regions.clone(), self.its_landmark_texels.clone())
        return (maps, maps[:, :, row, col].mT, *constants)
