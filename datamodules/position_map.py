"""Computes UV position maps on the training device, from coefficients or stored maps.

All steps from coefficients to a texel are linear: a map is projection @ (mean_uv + basis_uv @ coefficients), where the
model is interpolated into UV space once. No vertices are projected, no triangles are rasterised and no files are
written. A stored map is moved into the crop by the same kind of projection.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from datamodules.geometry.morphable_model import MorphableModel
from datamodules.geometry.uv_layout import MAP_SIZE, sample_in_uv


class PositionMapper(nn.Module):
    """A morphable model in UV space, S texels per side.

    Its buffers take (K + L + 1) * 3 * S * S * 4 bytes (180 MB for the whole Basel Face Model). They are not stored in
    checkpoints.
    """

    mean: Tensor
    basis: Tensor

    def __init__(self, model: MorphableModel, size: int = MAP_SIZE) -> None:
        super().__init__()
        mean, basis = map(torch.from_numpy, sample_in_uv(model, size, model.mean, model.basis))
        self.size = size
        # one row of the basis per number of a map: the fastest layout for matrix products with few rows
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
    """Resamples stored position maps of 256 texels per side to S, and moves them into other crops.

    Args:
        size: Texels per side, S.
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
        size: Texels per side, S.

    Returns:
        (N, 3, S, S) float32 crop pixels. The smallest z of each map is 0; x and y are not clipped.
    """
    maps = torch.baddbmm(projection[:, :, 3:], projection[:, :, :3], points)
    maps = maps.view(-1, 3, size, size)
    maps[:, 2] -= maps[:, 2].amin(dim=(1, 2), keepdim=True)
    return torch.where(is_mirrored[:, None, None, None], maps.flip(-1), maps)


@contextmanager
def _full_precision(device_type: str) -> Iterator[None]:
    """Disables autocast and TF32: model coordinates are about 1e5 micrometres, so errors would reach pixels."""
    allowed = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = False
    try:
        with torch.autocast(device_type, enabled=False):
            yield
    finally:
        torch.backends.cuda.matmul.allow_tf32 = allowed
