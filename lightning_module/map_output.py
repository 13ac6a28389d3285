"""From the hourglass's numbers to positions: what one unit stands for, where it counts from, and at which resolution."""

from collections.abc import Callable

import torch
from torch import Tensor

from datamodules.geometry.crop import CROP_SIZE
from datamodules.geometry.uv_layout import MAP_SIZE
from lightning_module.networks.hourglass import Tail

_RANGE_PX = 1.1 * MAP_SIZE  # what the published sigmoid spans (Feng et al., 2018)
# What one unit of a linear tail stands for: Adam's steps are this many times as long, in pixels.
_SPREAD_PX = 100.0


def offsets_px(raw: Tensor, tail: Tail) -> Tensor:
    """(N, 3, s, s) crop pixels about the mean map, or about the middle of the crop, of (N, 3, s, s) network output."""
    raw = raw.float()
    return (raw - 0.5) * _RANGE_PX if tail == "published" else raw * _SPREAD_PX


def origin_px(mean_map: Tensor, is_residual: bool) -> Tensor | float:
    """What offsets count from, in crop pixels."""
    return mean_map if is_residual else _RANGE_PX / 2


def resampled(maps: Tensor, resampling: Tensor) -> Tensor:
    """(N, 3, S, S) of (N, 3, s, s) under an (S, s) resampling."""
    rows, columns = resampling.shape
    return maps if rows == columns else resampling @ maps @ resampling.mT


def resampling(source: int, target: int) -> Tensor:
    """(target, source) bilinear interpolation whose corners stay corners; a product is deterministic on a GPU."""
    identity = torch.eye(source)[None, None]
    weights = torch.nn.functional.interpolate(identity, (target, source), mode="bilinear", align_corners=True)
    return weights[0, 0]


def mirror_averaged(network: Callable[[Tensor], Tensor], image: Tensor) -> Tensor:
    """(N, 3, S, S) mean of the maps of images and of their mirror images; UV space is symmetric."""
    maps, flipped = network(image), network(image.flip(-1)).flip(-1)
    twins = torch.cat([CROP_SIZE - 1 - flipped[:, :1], flipped[:, 1:]], dim=1)
    return (maps + twins) / 2
