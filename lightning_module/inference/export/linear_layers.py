"""Scales and shifts the output channels of convolutions and linear layers."""

from copy import deepcopy
from typing import cast

import torch
from torch import Tensor, nn

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)


def has_linear_output(layer: nn.Module, rank: int) -> bool:
    """Whether each channel of a layer's (N, C, ...) output of `rank` dimensions is linear in its own weights."""
    return type(layer) in (*_CONVOLUTIONS, *_TRANSPOSED) or (type(layer) is nn.Linear and rank == 2)


def scaled_and_shifted(layer: nn.Module, factors: Tensor, shift: Tensor | None) -> nn.Module:
    """A copy of a layer whose output is multiplied by (C,) float64 factors; then (C,) shifts are added."""
    copy = deepcopy(layer)
    weight = cast(Tensor, layer.weight).detach()
    spatial = [1] * (weight.dim() - 2)
    if isinstance(layer, _TRANSPOSED):  # (inputs, outputs / groups, ...)
        groups, (inputs, outputs, *kernel) = layer.groups, weight.shape
        parts = weight.double().reshape(groups, inputs // groups, outputs, *kernel)
        scaled = (parts * factors.reshape(groups, 1, outputs, *spatial)).reshape(weight.shape)
    else:
        scaled = weight.double() * factors.reshape(-1, 1, *spatial)
    copy.weight = nn.Parameter(scaled.to(weight.dtype, memory_format=torch.preserve_format), requires_grad=False)
    bias = cast(Tensor | None, layer.bias)
    moved = torch.zeros_like(factors) if bias is None else bias.detach().double() * factors
    if shift is not None:
        moved = moved + shift
    if bias is not None or shift is not None:
        copy.bias = nn.Parameter(moved.to(weight.dtype), requires_grad=False)
    return copy
