"""Names of the layers of PRNet (Feng et al., 2018): in TensorFlow's checkpoint of its authors, and in pytorchcv's port.

Both are derived from the structure of this project's network, so that each of its tensors has one name in each.
"""

from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple, cast

from torch import nn

from lightning_module.networks.hourglass import Hourglass, ResidualBlock, TransposedConvolution

_SCOPE = "resfcn256/"  # of all names in TensorFlow
# Entries of the checkpoint that belong to its training: Adam's moments, the powers of its decay rates, and a counter.
_STATE_ENDINGS, _STATE_NAMES = ("/Adam", "/Adam_1"), ("beta1_power", "beta2_power", "global_step")

_TAIL_LAYERS = 3  # which pytorchcv keeps apart from the decoder
_KERNEL = {"weight": "weights"}  # TensorFlow's names of the tensors of a layer
_NORM = {
    "weight": "BatchNorm/gamma",
    "bias": "BatchNorm/beta",
    "running_mean": "BatchNorm/moving_mean",
    "running_var": "BatchNorm/moving_variance",
}


class _Layer(NamedTuple):
    """A convolution with or without its batch norm: its names here, in TensorFlow, and in pytorchcv.

    Attributes:
        convolution: The convolution here; "" for a batch norm behind a sum.
        norm: Its batch norm here; "" for none.
        scope: The scope of both in TensorFlow.
        port: Of a convolution with its batch norm, what contains `conv` and `bn` in pytorchcv; else the layer itself.
    """

    convolution: str
    norm: str
    scope: str
    port: str


def tensorflow_names(network: Hourglass) -> dict[str, str]:
    """The names of a network's parameters and statistics in TensorFlow's checkpoint, by their names in its state dict."""
    names: dict[str, str] = {}
    for layer in _layers(network):
        scope = f"{_SCOPE}{layer.scope}"
        if layer.convolution:
            names |= {f"{layer.convolution}.{ours}": f"{scope}{theirs}" for ours, theirs in _KERNEL.items()}
        if layer.norm:
            names |= {f"{layer.norm}.{ours}": f"{scope}{theirs}" for ours, theirs in _NORM.items()}
    return names


def pytorchcv_names(network: Hourglass) -> dict[str, str]:
    """The names of a network's parameters and statistics in the state dict of pytorchcv's `prnet`, by ours.

    That port has the same kernels, paddings and batch norms (osmr/imgclsmob, pytorch/pytorchcv/models/prnet.py).
    """
    names: dict[str, str] = {}
    for layer in _layers(network):
        has_both = bool(layer.convolution and layer.norm)
        if layer.convolution:
            port = f"{layer.port}.conv" if has_both else layer.port
            names |= {f"{layer.convolution}.{tensor}": f"{port}.{tensor}" for tensor in _KERNEL}
        if layer.norm:
            port = f"{layer.port}.bn" if has_both else layer.port
            names |= {f"{layer.norm}.{tensor}": f"{port}.{tensor}" for tensor in _NORM}
    return names


def is_training_state(name: str) -> bool:
    """Whether an entry of TensorFlow's checkpoint belongs to its training only."""
    return name.endswith(_STATE_ENDINGS) or name in _STATE_NAMES


def _layers(network: Hourglass) -> Iterator[_Layer]:
    yield _Layer("stem.convolution", "stem.norm", "Conv/", "features.init_block")
    for number, block in enumerate(network.encoder):
        yield from _block_layers(cast(ResidualBlock, block), number)
    decoder = [cast(TransposedConvolution, layer) for layer in network.decoder]
    places = [*_stages(decoder[:-_TAIL_LAYERS]), *(f"output.conv{number + 1}" for number in range(_TAIL_LAYERS))]
    for number, place in enumerate(places):
        scope = f"Conv2d_transpose{_suffix(number)}/"
        yield _Layer(f"decoder.{number}.convolution", f"decoder.{number}.norm", scope, place)


def _block_layers(block: ResidualBlock, number: int) -> Iterator[_Layer]:
    ours, scope = f"encoder.{number}", f"resBlock{_suffix(number)}/"
    port = f"features.encoder.stage{number // 2 + 1}.unit{number % 2 + 1}"
    if isinstance(block.shortcut, nn.Conv2d):
        yield _Layer(f"{ours}.shortcut", "", f"{scope}shortcut/", f"{port}.identity_conv")
    yield _Layer(f"{ours}.reduce", f"{ours}.reduce_norm", f"{scope}Conv/", f"{port}.body.conv1")
    yield _Layer(f"{ours}.convolve.convolution", f"{ours}.convolve.norm", f"{scope}Conv_1/", f"{port}.body.conv2")
    yield _Layer(f"{ours}.expand", "", f"{scope}Conv_2/", f"{port}.body.conv3")
    yield _Layer("", f"{ours}.norm", scope, f"{port}.norm_activ.bn")


def _stages(layers: list[TransposedConvolution]) -> Iterator[str]:
    """Pytorchcv's names of the decoder's layers, whose stages begin where the resolution doubles."""
    stages, stage = [], 1
    for layer in layers:
        stage += layer.convolution.stride == (2, 2)
        stages.append(stage)
    for stage, members in groupby(stages):
        yield from (f"features.decoder.stage{stage}.unit{unit + 1}" for unit, _ in enumerate(members))


def _suffix(number: int) -> str:
    """What TensorFlow appends to the names of all layers of a kind but the first."""
    return f"_{number}" if number else ""
