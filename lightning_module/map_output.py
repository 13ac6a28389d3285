"""Converts the offsets of a network to position maps of 256 x 256 texels."""

from collections.abc import Callable

import torch
from torch import Tensor

from datamodules.geometry.crop import CROP_SIZE
from lightning_module.averaged_maps import NO_AVERAGES, Averages

_MIDDLE_PX = 1.1 * CROP_SIZE / 2  # middle of the output range of the published network (Feng et al., 2018)


def position_maps(
    network: Callable[[Tensor], Tensor],
    image: Tensor,
    enlarge: Tensor,
    origin_px: Tensor | float,
    averages: Averages = NO_AVERAGES,
) -> Tensor:
    """(N, 3, 256, 256) position maps in crop pixels.

    Args:
        network: Returns (N, 3, s, s) offsets in crop pixels.
        image: (N, 3, S, S) RGB in [0, 1].
        enlarge: (256, s) resampling of the offsets.
        origin_px: Origin of the offsets, see `origin`.
        averages: The views of an image whose maps are averaged.
    """

    def maps(image: Tensor) -> Tensor:
        return resampled(network(image).float(), enlarge) + origin_px

    return averages.maps(maps, image)


def origin(mean_map: Tensor, is_residual: bool) -> Tensor | float:
    """The origin of a network's offsets in crop pixels: the mean map, or the middle of the published range."""
    return mean_map if is_residual else _MIDDLE_PX


def resampled(maps: Tensor, resampling: Tensor) -> Tensor:
    """(N, 3, S, S) maps from (N, 3, s, s) maps and an (S, s) resampling matrix."""
    rows, columns = resampling.shape
    return maps if rows == columns else resampling @ maps @ resampling.mT


def resampling(source: int, target: int) -> Tensor:
    """(target, source) matrix of bilinear interpolation with aligned corners; matrix products are deterministic on GPUs."""
    identity = torch.eye(source)[None, None]
    weights = torch.nn.functional.interpolate(identity, (target, source), mode="bilinear", align_corners=True)
    return weights[0, 0]
