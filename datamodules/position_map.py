"""Coefficients and projections to UV position maps on any device, and from maps back to points.

All steps from coefficients to a texel are linear: a map is projection @ (mean_uv + basis_uv @ coefficients), with
the model interpolated into UV space once. No vertex is ever projected, no triangle filled, no file written.
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
            is_mirrored: (N,) bool. The projection of a mirrored sample reflects it; its map is flipped along u
                too, so that a texel stays the same point of the anatomy.

        Returns:
            (N, 3, S, S) float32 crop pixels. The smallest z of each map is 0; x and y are not clipped.
        """
        with _full_precision(coefficients.device.type):
            points = nn.functional.linear(coefficients, self.basis, self.mean).view(len(coefficients), 3, -1)
            maps = torch.baddbmm(projection[:, :, 3:], projection[:, :, :3], points)
            maps = maps.view(-1, 3, self.size, self.size)
            maps[:, 2] -= maps[:, 2].amin(dim=(1, 2), keepdim=True)
            return torch.where(is_mirrored[:, None, None, None], maps.flip(-1), maps)


def read_texels(maps: Tensor, texels: Tensor) -> Tensor:
    """(N, L, 3) points at whole texels.

    Args:
        maps: (N, 3, S, S).
        texels: (L, 2) int64 row, col.
    """
    return maps[:, :, texels[:, 0], texels[:, 1]].mT


def read_uv(maps: Tensor, uv: Tensor) -> Tensor:
    """(N, V, 3) points at texture coordinates, interpolated bilinearly: the vertices of a mesh.

    Args:
        maps: (N, 3, S, S).
        uv: (V, 2) in [0, 1], v upwards.
    """
    grid = torch.stack([2 * uv[:, 0] - 1, 1 - 2 * uv[:, 1]], dim=-1).to(maps.dtype)
    grid = grid.expand(len(maps), 1, -1, -1)
    return nn.functional.grid_sample(maps, grid, mode="bilinear", align_corners=True)[:, :, 0].mT


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
