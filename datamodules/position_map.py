"""UV position maps on the training device, from coefficients or stored points.

All steps from coefficients to a texel are linear: a map is projection @ (mean_uv + basis_uv @ coefficients), with
the model interpolated into UV space once. No vertex is ever projected, no triangle filled, no file written. A stored
map is moved into the crop by the same kind of projection.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from datamodules.geometry.interpolation import interpolate
from datamodules.geometry.morphable_model import MorphableModel
from datamodules.geometry.uv_layout import MAP_SIZE, cover_uv


class PositionMapper(nn.Module):
    """A morphable model in UV space, S texels a side.

    Its buffers take (K + L + 1) * 3 * S * S * 4 bytes (180 MB for the whole Basel Face Model) and stay out of
    checkpoints.
    """

    mean: Tensor
    basis: Tensor

    def __init__(self, model: MorphableModel, size: int = MAP_SIZE) -> None:
        super().__init__()
        triangle_ids, barycentric = cover_uv(model, size)
        corners = model.triangles[triangle_ids]
        mean = torch.from_numpy(interpolate(model.mean, corners, barycentric))
        basis = torch.from_numpy(interpolate(model.basis, corners, barycentric))
        self.size = size
        # a row of the basis for each number of a map: the layout that matrix products of few rows like best
        self.register_buffer("mean", mean.permute(2, 0, 1).reshape(-1).contiguous(), persistent=False)
        self.register_buffer("basis", basis.permute(2, 0, 1, 3).flatten(0, 2).contiguous(), persistent=False)

    def forward(self, coefficients: Tensor, projection: Tensor, is_mirrored: Tensor) -> Tensor:
        """Position maps.

        Args:
            coefficients: (N, K + L) float32.
            projection: (N, 3, 4) float32, model space to crop pixels.
            is_mirrored: (N,) bool; see `placed_maps`.

        Returns:
            (N, 3, S, S) float32 crop pixels.
        """
        with _full_precision(coefficients.device.type):
            points = nn.functional.linear(coefficients, self.basis, self.mean).view(len(coefficients), 3, -1)
            return placed_maps(points, projection, is_mirrored, self.size)


class StoredMapper(nn.Module):
    """Stored position maps of 256 texels a side, as maps of S texels a side in other crops.

    Args:
        size: Texels a side, S.
    """

    def __init__(self, size: int = MAP_SIZE) -> None:
        super().__init__()
        self.size = size

    def forward(self, points: Tensor, projection: Tensor, is_mirrored: Tensor) -> Tensor:
        """Position maps.

        Args:
            points: (N, 256, 256, 3) float32 in pixels of the stored crops.
            projection: (N, 3, 4) float32, from these pixels to crop pixels.
            is_mirrored: (N,) bool; see `placed_maps`.

        Returns:
            (N, 3, S, S) float32 crop pixels.
        """
        with _full_precision(points.device.type):
            maps = points.permute(0, 3, 1, 2)
            if self.size != maps.shape[-1]:
                size = (self.size, self.size)
                maps = nn.functional.interpolate(maps, size, mode="bilinear", align_corners=True)
            return placed_maps(maps.flatten(2), projection, is_mirrored, self.size)


def placed_maps(points: Tensor, projection: Tensor, is_mirrored: Tensor, size: int) -> Tensor:
    """Position maps of points that a projection places in the crop.

    Args:
        points: (N, 3, S S) float32.
        projection: (N, 3, 4) float32, from the points' space to crop pixels.
        is_mirrored: (N,) bool. The projection of a mirrored sample reflects it; its map is flipped along u too, so
            that a texel stays the same point of the anatomy.
        size: Texels a side, S.

    Returns:
        (N, 3, S, S) float32 crop pixels. The smallest z of each map is 0; x and y are not clipped.
    """
    maps = torch.baddbmm(projection[:, :, 3:], projection[:, :, :3], points)
    maps = maps.view(-1, 3, size, size)
    maps[:, 2] -= maps[:, 2].amin(dim=(1, 2), keepdim=True)
    return torch.where(is_mirrored[:, None, None, None], maps.flip(-1), maps)


@contextmanager
def _full_precision(device_type: str) -> Iterator[None]:
    """Positions are lengths of 1e5 micrometres: half precision or TF32 would be off by pixels."""
    allowed = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = False
    try:
        with torch.autocast(device_type, enabled=False):
            yield
    finally:
        torch.backends.cuda.matmul.allow_tf32 = allowed
