"""What is exported: a crop in, all that a face needs out; no Lightning, no batch norm."""

from typing import NamedTuple

from torch import Tensor, nn

from lightning_module.face_module import FaceModule
from lightning_module.inference.export.folding import folded
from lightning_module.map_output import mirror_averaged, offsets_px, origin_px, resampled

INPUT = "image"


class Outputs(NamedTuple):
    """What every exported file gives, in this order and under these names.

    Attributes:
        position_map: (N, 3, 256, 256) x, y, z in crop pixels, whose square is 0 to 255.
        landmarks_81: (N, 81, 3) the same at the landmarks; the first 68 are iBUG's.
        mean_map: (3, 256, 256) of the mean face, which looks straight ahead: heads are turned against it.
        regions: (256, 256) uint8 labels: 2 eyes and nose, 3 mouth, 4 rest of the face, 5 neck, which is no part of it.
        landmark_texels: (81, 2) int64 row, col.
    """

    position_map: Tensor
    landmarks_81: Tensor
    mean_map: Tensor
    regions: Tensor
    landmark_texels: Tensor


class ExportedNetwork(nn.Module):
    """A trained network with what its maps mean, averaging mirror images where it is made to.

    Args:
        module: The network as it was trained.
    """

    its_mean_map: Tensor  # a buffer of an output's name would clash with it in ONNX
    its_regions: Tensor
    its_landmark_texels: Tensor
    its_enlarge: Tensor

    def __init__(self, module: FaceModule) -> None:
        super().__init__()
        self.network = folded(module.network)
        self._tail = module.tail
        self._mirror_average = module.mirror_average
        self._is_residual = module.is_residual
        for name in ("mean_map", "regions", "landmark_texels", "enlarge"):
            self.register_buffer(f"its_{name}", getattr(module, name).clone())

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Of (N, 3, image_size, image_size) RGB in [0, 1]."""
        maps = mirror_averaged(self._map, image) if self._mirror_average else self._map(image)
        row, col = self.its_landmark_texels.unbind(dim=1)
        constants = (self.its_mean_map.clone(), self.its_regions.clone(), self.its_landmark_texels.clone())
        return (maps, maps[:, :, row, col].mT, *constants)

    def _map(self, image: Tensor) -> Tensor:
        offsets = offsets_px(self.network(image), self._tail)
        return resampled(offsets, self.its_enlarge) + origin_px(self.its_mean_map, self._is_residual)
