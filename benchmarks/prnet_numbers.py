"""Random numbers for PRNet's tensors, and crops by formula: the same in every version of numpy, with or without TensorFlow.

TensorFlow's process (benchmarks/prnet_tensorflow.py) imports this file alone, so that it needs nothing but numpy.
"""

from collections.abc import Callable, Mapping
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

SCOPE = "resfcn256/"
CROPS = 10
SAMPLED = slice(7, None, 15)  # rows and columns of the texels that the tests compare: 17 x 17 of 256 x 256
BATCH_NORM_EPSILON = 1e-3

_SIZE = 256
_SQUARES = 128  # of one colour per side of a crop
_WIDTHS = (32, 32, 64, 64, 128, 128, 256, 256, 512, 512)  # of the residual blocks
# channels and stride of the transposed convolutions
_DECODER = (
    *((512, 1), (256, 2), (256, 1), (256, 1), (128, 2), (128, 1), (128, 1), (64, 2), (64, 1), (64, 1)),
    *((32, 2), (32, 1), (16, 2), (16, 1), (3, 1), (3, 1), (3, 1)),
)
# Ranges of gamma and beta. With smaller beta, ReLU cuts more, and each layer makes rounding errors larger; together, 30
# layers would turn those of single precision into a tenth of a pixel.
_GAMMA, _BETA = (0.6, 1.4), (2.0, 2.4)
_LAST_GAMMA, _LAST_BETA = (0.36, 0.62), (-0.5, 0.5)  # before the sigmoid
_STATISTICS = ("BatchNorm/moving_mean", "BatchNorm/moving_variance")


def layers() -> list[tuple[str, tuple[int, ...] | None, int, int]]:
    """Scope, shape of the kernel, channels of the batch norm (0 for none) and stride of each layer, in their order."""
    table: list[tuple[str, tuple[int, ...] | None, int, int]] = [(f"{SCOPE}Conv/", (4, 4, 3, 16), 16, 1)]
    width = 16
    for block, wide in enumerate(_WIDTHS):
        scope, stride, half = f"{SCOPE}resBlock{_suffix(block)}/", 2 - block % 2, wide // 2
        if stride == 2:
            table.append((f"{scope}shortcut/", (1, 1, width, wide), 0, stride))
        table += [
            (f"{scope}Conv/", (1, 1, width, half), half, 1),
            (f"{scope}Conv_1/", (4, 4, half, half), half, stride),
            (f"{scope}Conv_2/", (1, 1, half, wide), 0, 1),
            (scope, None, wide, 1),
        ]
        width = wide
    for number, (wide, stride) in enumerate(_DECODER):
        scope = f"{SCOPE}Conv2d_transpose{_suffix(number)}/"
        table.append((scope, (4, 4, wide, width), wide, stride))
        width = wide
    return table


def random_weights() -> dict[str, NDArray[np.float32]]:
    """Kernels, gamma and beta of all layers, by TensorFlow's names."""
    weights: dict[str, NDArray[np.float32]] = {}
    last = layers()[-1][0]
    for scope, shape, channels, stride in layers():
        if shape is not None:
            inputs = shape[3] if "transpose" in scope else shape[2]
            reached = shape[0] * shape[1] * inputs / (stride**2 if "transpose" in scope else 1)
            kernel = _uniform(f"{scope}weights", shape, -1, 1)
            # kernels that answer nothing to even features: else the borders of the maps outweigh what the crops show
            kernel -= kernel.mean(axis=3 if "transpose" in scope else 2, keepdims=True).astype(np.float32)
            weights[f"{scope}weights"] = kernel * np.float32(np.sqrt(6 / reached))
        if channels:
            gamma, beta = (_LAST_GAMMA, _LAST_BETA) if scope == last else (_GAMMA, _BETA)
            weights[f"{scope}BatchNorm/gamma"] = _uniform(f"{scope}gamma", (channels,), *gamma)
            weights[f"{scope}BatchNorm/beta"] = _uniform(f"{scope}beta", (channels,), *beta)
    return weights


def drawn_statistics(
    scope: str, mean: NDArray[np.floating], variance: NDArray[np.floating]
) -> dict[str, NDArray[np.float32]]:
    """Moving statistics of a layer, drawn about those of its features in a batch."""
    shift = _uniform(f"{scope}mean", mean.shape, -0.3, 0.3)
    factor = _uniform(f"{scope}variance", variance.shape, 0.7, 1.3)
    moving = (mean + shift * np.sqrt(variance), variance * factor)
    return {f"{scope}{name}": array.astype(np.float32) for name, array in zip(_STATISTICS, moving, strict=True)}


def statistics_names() -> list[str]:
    """Names of all moving statistics, in the order of the layers."""
    return [f"{scope}{name}" for scope, _, channels, _ in layers() if channels for name in _STATISTICS]


def split_statistics(numbers: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    """Moving statistics by name, from all of them in one array."""
    sizes = [channels for _, _, channels, _ in layers() if channels for _ in _STATISTICS]
    parts = np.split(numbers, np.cumsum(sizes)[:-1])
    return dict(zip(statistics_names(), parts, strict=True))


def joined_statistics(tensors: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
    """The inverse of `split_statistics`."""
    return np.concatenate([tensors[name] for name in statistics_names()])


def random_crops(count: int = CROPS) -> NDArray[np.uint8]:
    """(count, 256, 256, 3) uint8 RGB crops of squares of random colours."""
    colours = _uniform("crops", (CROPS, _SQUARES, _SQUARES, 3), 0, 255)[:count]
    return np.rint(colours).astype(np.uint8).repeat(_SIZE // _SQUARES, axis=1).repeat(_SIZE // _SQUARES, axis=2)


def forward(image: object, tensors: Mapping[str, object], ops: "Mapping[str, Callable[..., object]]") -> object:
    """The published network (Feng et al., 2018), in the operations of a library.

    Args:
        image: (N, 256, 256, 3) RGB in [0, 1].
        tensors: Kernels by name.
        ops: "convolve" (features, kernel, stride), "transpose" (the same), "normalise" (features, scope), "add", "relu" and
            "sigmoid".

    Returns:
        (N, 256, 256, 3) in [0, 1].
    """
    features, shortcut = image, None
    table = layers()
    for number, (scope, shape, channels, stride) in enumerate(table):
        kernel = tensors.get(f"{scope}weights")
        if scope.endswith("shortcut/"):
            shortcut = ops["convolve"](features, kernel, stride)
            continue
        if shortcut is None and "resBlock" in scope and scope.endswith("/Conv/"):
            shortcut = features
        if shape is None:
            features, shortcut = ops["add"](features, shortcut), None
        else:
            features = ops["transpose" if "transpose" in scope else "convolve"](features, kernel, stride)
        if channels:
            features = ops["normalise"](features, scope)
            features = ops["sigmoid" if number == len(table) - 1 else "relu"](features)
    return features


def _suffix(number: int) -> str:
    return f"_{number}" if number else ""


def _uniform(name: str, shape: tuple[int, ...], low: float, high: float) -> NDArray[np.float32]:
    """Numbers from `low` to `high`; the raw numbers of a bit generator never change between versions of numpy."""
    raw = np.random.PCG64(crc32(name.encode())).random_raw(int(np.prod(shape)))
    return (low + (high - low) * (raw >> np.uint64(11)) * 2.0**-53).reshape(shape).astype(np.float32)
