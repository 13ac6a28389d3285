"""A network for evaluation alone: the same function in fewer and plainer steps."""

from copy import deepcopy
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from lightning_module.networks.hourglass import Convolution, Hourglass, ResidualBlock, TransposedConvolution


class _Scale(nn.Module):
    """What a norm after a sum leaves of a shortcut that is no convolution."""

    factors: Tensor

    def __init__(self, factors: Tensor) -> None:
        super().__init__()
        self.register_buffer("factors", factors[:, None, None].clone())

    def forward(self, features: Tensor) -> Tensor:
        return features * self.factors


def folded(network: Hourglass) -> Hourglass:
    """A copy, for evaluation, that holds no batch norm: they are folded into the convolutions before them."""
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


def without_transposed(network: Hourglass) -> Hourglass:
    """A copy of a folded network with convolutions in place of transposed ones.

    ONNX Runtime takes nearly twice the time for the whole network with transposed ones; torch itself is quicker with
    them.
    """
    copy = deepcopy(network)
    with torch.no_grad():
        copy.decoder = nn.Sequential(*(_plain(cast(TransposedConvolution, layer)) for layer in copy.decoder))
    return copy


def _plain(layer: TransposedConvolution) -> nn.Sequential:
    """A folded layer of the decoder.

    Of stride 1 it is a convolution with the kernel turned round. Of stride 2 it is four of 2 x 2, one for each place of
    a pixel among its neighbours, here in one kernel of 3 x 3 that is zero where it does not reach, and interleaved.
    """
    fused = layer.convolution
    kernel = fused.weight.flip(2, 3).transpose(0, 1)  # (outputs, inputs, 4, 4)
    outputs, inputs = kernel.shape[:2]
    shift = cast(Tensor, fused.bias)
    if fused.stride == (1, 1):
        convolution = nn.Conv2d(inputs, outputs, kernel.shape[2])
        convolution.weight.copy_(kernel)
        convolution.bias = nn.Parameter(shift)
        return nn.Sequential(nn.ZeroPad2d((2, 1, 2, 1)), convolution, layer.activation)
    convolution = nn.Conv2d(inputs, 4 * outputs, 3, padding=1)
    convolution.weight.zero_()
    for row in range(2):
        for column in range(2):
            place = slice(2 * row + column, None, 4)  # channels as PixelShuffle takes them
            reach = convolution.weight[place, :, row : row + 2, column : column + 2]
            reach.copy_(kernel[:, :, row::2, column::2])
    convolution.bias = nn.Parameter(shift.repeat_interleave(4))
    return nn.Sequential(convolution, nn.PixelShuffle(2), layer.activation)


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
