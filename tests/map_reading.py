"""Points read off position maps."""

from torch import Tensor, nn


def read_texels(maps: Tensor, texels: Tensor) -> Tensor:
    """(N, L, 3) points of (N, 3, S, S) maps at (L, 2) whole texels: row, col."""
    return maps[:, :, texels[:, 0], texels[:, 1]].mT


def read_uv(maps: Tensor, uv: Tensor) -> Tensor:
    """(N, V, 3) points at (V, 2) texture coordinates, v upwards, interpolated bilinearly: the vertices of a mesh."""
    grid = uv * uv.new_tensor([2, -2]) + uv.new_tensor([-1, 1])
    grid = grid.to(maps.dtype).expand(len(maps), 1, -1, -1)
    return nn.functional.grid_sample(maps, grid, mode="bilinear", align_corners=True)[:, :, 0].mT
