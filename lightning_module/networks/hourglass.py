"""The hourglass network: from an RGB face crop to a map of offsets in crop pixels.

This is PRNet's network (Feng et al., "Joint 3D Face Reconstruction and Dense Alignment with Position Map Regression Network",
ECCV 2018), which the weight-mask paper builds on.
"""

from itertools import pairwise
from typing import Literal, cast

from torch import Tensor, nn
from torch.nn import functional

from datamodules.errors import InputError

Tail = Literal["published", "linear"]

_RANGE_PX = 1.1 * 256  # range of the published sigmoid, in pixels of a 256 x 256 crop (Feng et al., 2018)
_SPREAD_PX = 100.0  # pixels per unit of a linear tail, which makes the steps of Adam larger by this factor

_KERNEL = 4
PAIRS = 5  # of residual blocks, as published; each halves the resolution and doubles the channels
_TAIL_LAYERS = 3
# Channels of the decoder layers in units of the base, coarsest level first; all other levels begin with upsampling.
_DECODER = [[32], [16, 16, 16], [8, 8, 8], [4, 4, 4], [2, 2], [1, 1]]


class Hourglass(nn.Module):
    """An encoder of residual blocks and a decoder of transposed convolutions.

    The defaults have the published size: 13 353 618 parameters, and 8.26 GFLOP per image forward. With `tail`
    "published", they are the published network.

    Args:
        base_channels: Channels of the first convolution; all others are multiples of it.
        image_size: Pixels per side of the input, a multiple of 2 to the power of `pairs`.
        map_size: Texels per side of the output: image_size / 2^pairs * (1, 2, ... or 2^pairs). If it is smaller than the
            image, the last upsampling layers keep their resolution instead.
        tail: The three 3-channel layers at the end: "published" has ReLU, ReLU and sigmoid after their batch norms and
            is bounded to 140.8 pixels in either direction; "linear" has no activations, and starts from zero.
        norm_momentum: Momentum of the running statistics of batch norms; 0.001 is the published decay of 0.999.
        pairs: Number of pairs of residual blocks, 1 to 5. Fewer suit a small image: 64 pixels and 3 pairs end in a
            code of 8 x 8, as 256 pixels and the published 5 do.
        bypass_rank: Rank of a low-rank bypass from the code to the map: two linear layers whose output is added to that of
            the decoder; 0, as published, for none. Through the decoder alone, a short training learns little more than
            the yaw of the head; with the bypass it learns all three angles from the first step. Needs the linear tail.

    Raises:
        InputError: If the sizes are inconsistent.
    """

    def __init__(
        self,
        base_channels: int = 16,
        image_size: int = 256,
        map_size: int = 256,
        tail: Tail = "linear",
        norm_momentum: float = 0.001,
        pairs: int = PAIRS,
        bypass_rank: int = 0,
    ) -> None:
        super().__init__()
        if base_channels < 1:
            raise InputError(f"base_channels is {base_channels}: give at least 1.")
        if not 1 <= pairs <= PAIRS:
            raise InputError(f"pairs is {pairs}: give a number from 1 to {PAIRS}.")
        if bypass_rank < 0 or (bypass_rank and tail != "linear"):
            raise InputError(f"bypass_rank is {bypass_rank}: give 0, or a positive number with the linear tail.")
        doublings = _doublings(image_size, map_size, pairs)
        self._tail = tail
        self.stem = Convolution(3, base_channels, 1, norm_momentum)
        channels = [base_channels * 2**level for level in range(pairs + 1)]
        self.encoder = nn.Sequential()
        for narrow, wide in pairwise(channels):
            self.encoder.append(ResidualBlock(narrow, wide, 2, norm_momentum))
            self.encoder.append(ResidualBlock(wide, wide, 1, norm_momentum))
        self.decoder = nn.Sequential()
        width = channels[-1]
        for level, layers in enumerate(_DECODER[PAIRS - pairs :]):
            layers = layers if level else layers[:1]  # the coarsest level has one layer
            for layer, multiple in enumerate(layers):
                stride = 2 if layer == 0 and 0 < level <= doublings else 1
                self.decoder.append(
                    TransposedConvolution(width, base_channels * multiple, stride, norm_momentum, nn.ReLU(True))
                )
                width = base_channels * multiple
        activations = (
            [nn.ReLU(True), nn.ReLU(True), nn.Sigmoid()] if tail == "published" else [nn.Identity()] * _TAIL_LAYERS
        )
        for activation in activations:
            self.decoder.append(TransposedConvolution(width, 3, 1, norm_momentum, activation))
            width = 3
        if tail == "linear":
            # start from offsets of zero; unit variance would be noise that training has to remove first
            nn.init.zeros_(cast(TransposedConvolution, self.decoder[-1]).norm.weight)
        code_size = image_size // 2**pairs
        self.bypass = _Bypass(channels[-1] * code_size**2, bypass_rank, map_size) if bypass_rank else None

    def forward(self, image: Tensor) -> Tensor:
        """(N, 3, map_size, map_size) float32 offsets in crop pixels from (N, 3, image_size, image_size) RGB in [0, 1]."""
        encoded: Tensor = self.encoder(self.stem(image))
        decoded: Tensor = self.decoder(encoded)
        if self.bypass is not None:
            decoded = decoded + self.bypass(encoded)
        # full precision from here on, since bfloat16 resolves only half a pixel at 100
        decoded = decoded.float()
        return (decoded - 0.5) * _RANGE_PX if self._tail == "published" else decoded * _SPREAD_PX


class Convolution(nn.Module):
    """4x4 convolution, batch norm, ReLU; the padding is that of TensorFlow's "same"."""

    def __init__(self, inputs: int, outputs: int, stride: int, momentum: float) -> None:
        super().__init__()
        self.pad = (1, 2, 1, 2) if stride == 1 else (1, 1, 1, 1)
        self.convolution = nn.Conv2d(inputs, outputs, _KERNEL, stride, bias=False)
        self.norm = _batch_norm(outputs, momentum)

    def forward(self, features: Tensor) -> Tensor:
        """(N, outputs, H / stride, W / stride)."""
        return functional.relu(self.norm(self.convolution(functional.pad(features, self.pad))), inplace=True)


class ResidualBlock(nn.Module):
    """1x1 convolution to half the channels, 4x4, 1x1 back; plus a shortcut; batch norm and ReLU after the sum."""

    def __init__(self, inputs: int, outputs: int, stride: int, momentum: float) -> None:
        super().__init__()
        self.stride = stride
        self.reduce = nn.Conv2d(inputs, outputs // 2, 1, bias=False)
        self.reduce_norm = _batch_norm(outputs // 2, momentum)
        self.convolve = Convolution(outputs // 2, outputs // 2, stride, momentum)
        self.expand = nn.Conv2d(outputs // 2, outputs, 1, bias=False)
        is_same = stride == 1 and inputs == outputs
        self.shortcut = nn.Identity() if is_same else nn.Conv2d(inputs, outputs, 1, bias=False)
        self.norm = _batch_norm(outputs, momentum)

    def forward(self, features: Tensor) -> Tensor:
        """(N, outputs, H / stride, W / stride)."""
        reduced = functional.relu(self.reduce_norm(self.reduce(features)), inplace=True)
        # Slicing and a stride of 1 equal a stride of 2, for which torch 2.13 crashes on CPUs in channels_last 1x1
        # convolutions with few channels.
        skipped = features[..., :: self.stride, :: self.stride] if self.stride > 1 else features
        summed = self.expand(self.convolve(reduced)) + self.shortcut(skipped)
        return functional.relu(self.norm(summed), inplace=True)


class TransposedConvolution(nn.Module):
    """4x4 transposed convolution, batch norm, activation; the cropping is that of TensorFlow's "same"."""

    def __init__(self, inputs: int, outputs: int, stride: int, momentum: float, activation: nn.Module) -> None:
        super().__init__()
        self.convolution = nn.ConvTranspose2d(inputs, outputs, _KERNEL, stride, padding=1, bias=False)
        self.norm = _batch_norm(outputs, momentum)
        self.activation = activation

    def forward(self, features: Tensor) -> Tensor:
        """(N, outputs, H stride, W stride)."""
        raised: Tensor = self.convolution(features)
        if self.convolution.stride == (1, 1):
            raised = raised[..., :-1, :-1]
        activated: Tensor = self.activation(self.norm(raised))
        return activated


class _Bypass(nn.Module):
    """Two linear layers of low rank from the whole code to the whole map; starts from zero, like the linear tail."""

    def __init__(self, inputs: int, rank: int, map_size: int) -> None:
        super().__init__()
        self.map_size = map_size
        self.reduce = nn.Linear(inputs, rank)
        self.expand = nn.Linear(rank, 3 * map_size**2)
        nn.init.zeros_(self.expand.weight)
        nn.init.zeros_(self.expand.bias)

    def forward(self, features: Tensor) -> Tensor:
        flat: Tensor = self.expand(functional.relu(self.reduce(features.flatten(1))))
        return flat.reshape(-1, 3, self.map_size, self.map_size)


def _batch_norm(channels: int, momentum: float) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=momentum)


def _doublings(image_size: int, map_size: int, pairs: int) -> int:
    """Number of the decoder's upsampling layers that double the resolution."""
    coarsest, rest = divmod(image_size, 2**pairs)
    if coarsest < 1 or rest:
        raise InputError(f"image_size is {image_size}: give a multiple of {2**pairs}.")
    sizes = [coarsest * 2**doublings for doublings in range(pairs + 1)]
    if map_size not in sizes:
        raise InputError(f"map_size is {map_size}: with image_size {image_size} it can be one of {sizes}.")
    return sizes.index(map_size)
