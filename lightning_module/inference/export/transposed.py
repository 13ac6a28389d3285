"""Replaces transposed convolutions by plain ones, which are faster in ONNX Runtime."""

import operator
from copy import deepcopy
from typing import NamedTuple, cast

from torch import Tensor, nn
from torch.fx import GraphModule, Node

_NO_CROP = (0, 0, 0, 0)


def without_transposed(network: nn.Module) -> nn.Module:
    """A copy for evaluation with plain convolutions in place of transposed ones of stride 1 or 2.

    With transposed convolutions, ONNX Runtime takes nearly twice the time for the hourglass; torch itself is faster with
    them. A transposed convolution that has no plain form is kept.
    """
    copy = deepcopy(network)
    if isinstance(copy, GraphModule):
        _join_crops(copy)
    for parent in list(copy.modules()):
        for name, layer in list(parent.named_children()):
            if type(layer) is nn.ConvTranspose2d:
                setattr(parent, name, plain_convolution(layer) or layer)
    return copy


def plain_convolution(layer: nn.ConvTranspose2d, crop: tuple[int, int, int, int] = _NO_CROP) -> nn.Module | None:
    """A transposed convolution as a plain one, or None if it has no such form here.

    With stride 1, it is a convolution with the flipped kernel. With stride 2, it is four convolutions with about half
    the kernel size, one for each phase of the output. They are merged into one kernel, padded with zeros, and their
    outputs are interleaved.

    Args:
        layer: The layer.
        crop: Columns and rows at the edges of the output that are not needed, as (left, right, top, bottom).
    """
    phases = layer.stride[0]
    if layer.groups != 1 or layer.dilation != (1, 1) or layer.stride not in ((1, 1), (2, 2)):
        return None
    down, across = _axis(layer, 0), _axis(layer, 1)
    if down is None or across is None or (phases == 2 and crop != _NO_CROP):
        return None
    inputs, outputs = layer.weight.shape[:2]
    weight = layer.weight.detach()
    kernel = weight.new_zeros(outputs, phases, phases, inputs, down.length, across.length)
    for row, (first_row, rows) in enumerate(down.taps):
        for column, (first_column, columns) in enumerate(across.taps):
            reach = kernel[:, row, column, :, first_row : first_row + len(rows)]
            reach[..., first_column : first_column + len(columns)] = weight[:, :, rows][..., columns].transpose(0, 1)
    sides = (across.before, across.after, down.before, down.after)
    pad = tuple(side - cut for side, cut in zip(sides, crop, strict=True))
    is_even = pad[0] == pad[1] and pad[2] == pad[3] and min(pad) >= 0
    convolution = nn.Conv2d(
        inputs,
        outputs * phases**2,
        (down.length, across.length),
        padding=(pad[2], pad[0]) if is_even else 0,
        bias=layer.bias is not None,
    )
    convolution = convolution.to(weight.device, weight.dtype).requires_grad_(False)
    # channels in the order in which PixelShuffle takes them
    convolution.weight.copy_(kernel.reshape(convolution.weight.shape))
    if layer.bias is not None:
        cast(Tensor, convolution.bias).copy_(layer.bias.detach().repeat_interleave(phases**2))
    before = [] if is_even else [nn.ZeroPad2d(cast(tuple[int, int, int, int], pad))]
    return nn.Sequential(*before, convolution, *([nn.PixelShuffle(2)] if phases == 2 else []))


class _Axis(NamedTuple):
    """A transposed convolution as a plain one, along one axis.

    Attributes:
        before: Zeros before the input.
        after: Zeros after the input.
        length: Length of the plain kernel.
        taps: For each phase of the output, the start of its part of the plain kernel, and the entries of the transposed
            kernel at that part.
    """

    before: int
    after: int
    length: int
    taps: list[tuple[int, list[int]]]


def _axis(layer: nn.ConvTranspose2d, axis: int) -> _Axis | None:
    """The plain form along one axis: output s m + r is the sum over j of input m + j times kernel[r + padding - s j]."""
    stride, kernel = layer.stride[axis], layer.kernel_size[axis]
    padding = cast(tuple[int, ...], layer.padding)[axis]
    longer, rest = divmod(kernel + layer.output_padding[axis] - stride - 2 * padding, stride)
    reaches = [
        range(-((kernel - 1 - phase - padding) // stride), (phase + padding) // stride + 1) for phase in range(stride)
    ]
    if rest or not all(reaches):
        return None  # phases differ in length, or one of them is empty
    first, last = min(reach[0] for reach in reaches), max(reach[-1] for reach in reaches)
    length = last - first + 1
    taps = [
        (reach[0] - first, [phase + padding - stride * offset for offset in reach])
        for phase, reach in enumerate(reaches)
    ]
    return _Axis(-first, longer + length - 1 + first, length, taps)


def _join_crops(traced: GraphModule) -> None:
    """Merges crops into the transposed convolutions of stride 1 before them."""
    for node in list(traced.graph.nodes):
        if node.op != "call_function" or node.target is not operator.getitem or not isinstance(node.args[0], Node):
            continue
        source, crop = node.args[0], _crop(node.args[1])
        is_used_once = sum(other.target == source.target for other in traced.graph.nodes) == 1
        if crop is None or source.op != "call_module" or len(source.users) != 1 or not is_used_once:
            continue
        name = cast(str, source.target)
        layer = traced.get_submodule(name)
        if type(layer) is nn.ConvTranspose2d and (plain := plain_convolution(layer, crop)) is not None:
            parent, _, child = name.rpartition(".")
            setattr(traced.get_submodule(parent), child, plain)
            node.replace_all_uses_with(source)
            traced.graph.erase_node(node)
    traced.recompile()


def _crop(index: object) -> tuple[int, int, int, int] | None:
    """(left, right, top, bottom) of an index [..., top:-bottom, left:-right], or None for any other index."""
    if not isinstance(index, tuple) or len(index) not in (3, 4):
        return None
    if index[:-2] not in ((Ellipsis,), (slice(None), slice(None))):
        return None
    cuts: list[int] = []
    for part in reversed(index[-2:]):
        if not isinstance(part, slice) or part.step not in (None, 1):
            return None
        start, stop = part.start or 0, part.stop or 0
        if not (isinstance(start, int) and isinstance(stop, int)) or start < 0 or stop > 0:
            return None
        cuts += [start, -stop]
    return cuts[0], cuts[1], cuts[2], cuts[3]
