"""A compact residual network: from an RGB face crop to a map of offsets in crop pixels, for short trainings on few cores.

Thin layers at full resolution cost the hourglass most of its time on a CPU, which waits for memory there. This network
halves the resolution twice before its first residual block (He et al., "Deep residual learning for image recognition",
CVPR 2016), and has no decoder but two heads: a low-rank linear map of the whole code, since a face model's maps are
nearly linear in pose and shape, and a sub-pixel convolution (Shi et al., "Real-time single image and video
super-resolution using an efficient sub-pixel convolutional neural network", CVPR 2016) for local detail.
"""

from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional

from datamodules.errors import InputError

_SPREAD_PX = 100.0  # pixels per unit of the heads, which makes the steps of Adam larger by this factor
_STEM_REDUCTION = 4
_REDUCTION = 16  # pixels of the image per place of the code, along each axis


class CompactNetwork(nn.Module):
    """A strided stem, three residual blocks, and two heads that start from offsets of zero.

    The defaults have 893 856 parameters, and take 36 MFLOP per image forward.

    Args:
        channels: Channels of the first residual block; each further block halves the resolution and doubles them.
        stem_channels: Channels of the stem's first convolution.
        rank: Rank of the linear head.
        image_size: Pixels per side of the input, a multiple of 16.
        map_size: Texels per side of the output, a multiple of image_size / 16.
        norm_momentum: Momentum of the running statistics of batch norms.

    Raises:
        InputError: If the sizes are inconsistent.
    """

    def __init__(
        self,
        channels: int = 32,
        stem_channels: int = 16,
        rank: int = 64,
        image_size: int = 64,
        map_size: int = 32,
        norm_momentum: float = 0.1,
    ) -> None:
        super().__init__()
        for name, value in (("channels", channels), ("stem_channels", stem_channels), ("rank", rank)):
            if value < 1:
                raise InputError(f"{name} is {value}: give at least 1.")
        code_size, rest = divmod(image_size, _REDUCTION)
        if rest or code_size < 1:
            raise InputError(f"image_size is {image_size}: give a multiple of {_REDUCTION}.")
        if map_size < 1 or map_size % code_size:
            raise InputError(f"map_size is {map_size}: with image_size {image_size}, give a multiple of {code_size}.")
        self.map_size = map_size
        self.stem = nn.Sequential(
            nn.Conv2d(3, stem_channels, 2, 2, bias=False),
            _norm(stem_channels, norm_momentum),
            nn.ReLU(inplace=True),
            nn.Conv2d(stem_channels, channels, 3, 2, 1, bias=False),
            _norm(channels, norm_momentum),
            nn.ReLU(inplace=True),
        )
        self.blocks = nn.Sequential(_Block(channels, channels, 1, norm_momentum))
        widths = [channels * stride for stride in (1, 2, _REDUCTION // _STEM_REDUCTION)]
        for narrow, wide in pairwise(widths):
            self.blocks.append(_Block(narrow, wide, 2, norm_momentum))
        self.reduce = nn.Linear(widths[-1] * code_size**2, rank)
        self.linear_head = nn.Linear(rank, 3 * map_size**2)
        factor = map_size // code_size
        self.local_head = nn.Conv2d(widths[-1], 3 * factor**2, 3, 1, 1)
        self.enlarge = nn.PixelShuffle(factor)
        for parameter in (*self.linear_head.parameters(), *self.local_head.parameters()):
            nn.init.zeros_(parameter)

    def forward(self, image: Tensor) -> Tensor:
        """(N, 3, map_size, map_size) float32 offsets in crop pixels from (N, 3, image_size, image_size) RGB in [0, 1]."""
        code: Tensor = self.blocks(self.stem(image))
        linear = self.linear_head(functional.relu(self.reduce(code.flatten(1))))
        offsets: Tensor = linear.reshape(-1, 3, self.map_size, self.map_size) + self.enlarge(self.local_head(code))
        # full precision from here on, since bfloat16 resolves only half a pixel at 100
        return offsets.float() * _SPREAD_PX


class _Block(nn.Module):
    """Two 3x3 convolutions and a shortcut; batch norm after each convolution, ReLU after the first and the sum."""

    def __init__(self, inputs: int, outputs: int, stride: int, momentum: float) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.first_norm = _norm(outputs, momentum)
        self.second = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.second_norm = _norm(outputs, momentum)
        is_same = stride == 1 and inputs == outputs
        # patches of the stride, so that no input is skipped
        self.shortcut = nn.Identity() if is_same else nn.Conv2d(inputs, outputs, stride, stride, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        """(N, outputs, H / stride, W / stride)."""
        hidden = functional.relu(self.first_norm(self.first(features)), inplace=True)
        summed = self.second_norm(self.second(hidden)) + self.shortcut(features)
        return functional.relu(summed, inplace=True)


def _norm(channels: int, momentum: float) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=momentum)
