"""Batch norms folded into the convolutions before them: the same function in fewer steps."""

from copy import deepcopy
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from lightning_module.hourglass import Convolution, Hourglass, ResidualBlock, TransposedConvolution


class _Scale(nn.Module):
    """What a norm after a sum leaves of a shortcut that is no convolution."""

    factors: Tensor

    def __init__(self, factors: Tensor) -> None:
        super().__init__()
        self.register_buffer("factors", factors[:, None, None].clone())

    def forward(self, features: Tensor) -> Tensor:
        return features * self.factors


def folded(network: Hourglass) -> Hourglass:
    """A copy, for evaluation, that holds no batch norm."""
    copy = deepcopy(network).eval()
    with torch.no_grad():
        for layer in copy.modules():
            if isinstance(layer, Convolution):
                layer.convolution, layer.norm = fuse_conv_bn_eval(layer.convolution, _norm(layer)), _NONE
            elif isinstance(layer, TransposedConvolution):
                layer.convolution = fuse_conv_bn_eval(layer.convolution, _norm(layer), transpose=True)
                layer.norm = _NONE
            elif isinstance(layer, ResidualBlock):
                _fold_block(layer)
    return copy


_NONE = cast(nn.BatchNorm2d, nn.Identity())


def _norm(layer: nn.Module) -> nn.BatchNorm2d:
    return cast(nn.BatchNorm2d, layer.norm)


def _fold_block(block: ResidualBlock) -> None:
    """A norm after a sum goes into both of its terms, its shift into the first."""
    block.reduce, block.reduce_norm = fuse_conv_bn_eval(block.reduce, block.reduce_norm), _NONE
    norm = block.norm
    factors = norm.weight / torch.sqrt(cast(Tensor, norm.running_var) + norm.eps)
    if isinstance(block.shortcut, nn.Conv2d):
        block.shortcut.weight *= factors[:, None, None, None]
    else:
        block.shortcut = cast(nn.Identity, _Scale(factors))
    block.expand, block.norm = fuse_conv_bn_eval(block.expand, norm), _NONE
