"""Folds batch norms into the layers before them, which keeps the function of a network in evaluation mode."""

import operator
from copy import deepcopy
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.fx import GraphModule, Node, symbolic_trace
from torch.fx.passes.shape_prop import ShapeProp
from torch.nn import functional

from lightning_module.inference.export.linear_layers import has_linear_output, scaled_and_shifted

_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
_SUMS = (operator.add, operator.iadd, torch.add)
_UNCHANGED = (nn.Identity, nn.Dropout, nn.Dropout2d)  # in evaluation
_ZERO_PADS = (nn.ZeroPad1d, nn.ZeroPad2d, nn.ZeroPad3d)


class ChannelScale(nn.Module):
    """Multiplies each channel by a factor; applied to a term of a sum whose batch norm no layer can absorb.

    Args:
        factors: (C,).
        rank: Dimensions of the features, (N, C, ...).
    """

    factors: Tensor

    def __init__(self, factors: Tensor, rank: int) -> None:
        super().__init__()
        self.register_buffer("factors", factors.reshape(-1, *[1] * (rank - 2)))

    def forward(self, features: Tensor) -> Tensor:
        """(N, C, ...)."""
        return features * self.factors


class _Fold(NamedTuple):
    """The places that the factors and the shift of a batch norm are folded into.

    Attributes:
        layers: Layers whose outputs are scaled.
        edges: Pairs of a node and the argument of it that a ChannelScale multiplies.
        shifted: The layer whose output is also shifted, or None if padding follows the shift.
    """

    layers: tuple[Node, ...]
    edges: tuple[tuple[Node, Node], ...] = ()
    shifted: Node | None = None


def folded(network: nn.Module, image_size: int) -> nn.Module:
    """A copy for evaluation whose batch norms are folded into convolutions and linear layers before them.

    The factors of a norm are carried backwards through sums (into both terms), crops and zero padding. A norm that
    cannot be folded stays, and so do all norms of a network that torch.fx cannot trace: the function is the same.

    Args:
        network: A module for (N, 3, image_size, image_size) images.
        image_size: Pixels per side.
    """
    copy = deepcopy(network).eval()
    example = torch.zeros(2, 3, image_size, image_size, device=next(copy.parameters(), torch.zeros(0)).device)
    try:
        traced = symbolic_trace(copy)
        with torch.no_grad():
            ShapeProp(traced).propagate(example)
    # the exception depends on the operations of the network
    except Exception:  # noqa: BLE001
        return copy
    for node in list(traced.graph.nodes):
        norm = _module(traced, node)
        if isinstance(norm, _NORMS) and norm.running_mean is not None and norm.running_var is not None:
            _fold(traced, node, norm)
    traced.delete_all_unused_submodules()
    traced.recompile()
    return traced.eval()


def _fold(traced: GraphModule, node: Node, norm: nn.Module) -> None:
    fold = _plan(traced, cast(Node, node.args[0]), node)
    if fold is None or fold.shifted is None:
        return
    factors, shift = _affine(norm)
    for layer in fold.layers:
        changed = scaled_and_shifted(
            cast(nn.Module, _module(traced, layer)), factors, shift if layer is fold.shifted else None
        )
        _set_module(traced, cast(str, layer.target), changed)
    for number, (user, term) in enumerate(fold.edges):
        name = f"{str(node.target).replace('.', '_')}_scale_{number}"
        dtype = term.meta["tensor_meta"].dtype
        traced.add_submodule(name, ChannelScale(factors.to(dtype), len(_shape(term))))
        with traced.graph.inserting_before(user):
            user.replace_input_with(term, traced.graph.call_module(name, (term,)))
    node.replace_all_uses_with(cast(Node, node.args[0]))
    traced.graph.erase_node(node)


def _affine(norm: nn.Module) -> tuple[Tensor, Tensor]:
    """(C,) float64 factors and shifts of a batch norm in evaluation mode."""
    batch_norm = cast(nn.BatchNorm2d, norm)
    mean, variance = cast(Tensor, batch_norm.running_mean).double(), cast(Tensor, batch_norm.running_var).double()
    factors = (variance + batch_norm.eps).rsqrt()
    if batch_norm.affine:
        factors = factors * batch_norm.weight.detach().double()
        return factors, batch_norm.bias.detach().double() - mean * factors
    return factors, -mean * factors


def _plan(traced: GraphModule, node: Node, user: Node) -> _Fold | None:
    """The fold that scales the output of a node by channel, if `user` is its only user; None if there is none."""
    if len(node.users) != 1:
        return None
    module = _module(traced, node)
    if module is not None:
        is_used_once = sum(other.target == node.target for other in traced.graph.nodes) == 1
        if has_linear_output(module, len(_shape(node))) and is_used_once:
            return _Fold((node,), (), node)
        if isinstance(module, _UNCHANGED):
            return _plan(traced, cast(Node, node.args[0]), node)
        if isinstance(module, _ZERO_PADS):
            return _unshifted(_plan(traced, cast(Node, node.args[0]), node))
    if node.op == "call_function" and node.target in _SUMS:
        return _plan_sum(traced, node)
    if node.op == "call_function" and node.target is operator.getitem and is_crop(node):
        return _plan(traced, cast(Node, node.args[0]), node)
    if node.op == "call_function" and node.target is functional.pad and _is_zero_pad(node):
        return _unshifted(_plan(traced, cast(Node, node.args[0]), node))
    return None


def _plan_sum(traced: GraphModule, node: Node) -> _Fold | None:
    terms = node.args
    if len(terms) != 2 or node.kwargs or terms[0] is terms[1]:
        return None
    if not all(isinstance(term, Node) and "tensor_meta" in term.meta for term in terms):
        return None
    if any(_shape(cast(Node, term)) != _shape(node) for term in terms):
        return None
    first, second = (_plan(traced, cast(Node, term), node) for term in terms)
    if (first is None and second is None) or (first is None and node.target is operator.iadd):
        return None
    first = first or _Fold((), ((node, cast(Node, terms[0])),))
    second = second or _Fold((), ((node, cast(Node, terms[1])),))
    return _Fold(first.layers + second.layers, first.edges + second.edges, first.shifted or second.shifted)


def _unshifted(fold: _Fold | None) -> _Fold | None:
    return None if fold is None else fold._replace(shifted=None)


def is_crop(node: Node) -> bool:
    """Whether a node takes slices of its input along dimensions other than the batch and the channels."""
    index = node.args[1]
    index = index if isinstance(index, tuple) else (index,)
    if not index or "tensor_meta" not in cast(Node, node.args[0]).meta:
        return False
    rank = len(_shape(cast(Node, node.args[0])))
    if index[0] is Ellipsis:
        return len(index) - 1 <= rank - 2 and all(isinstance(part, slice) for part in index[1:])
    return all(isinstance(part, slice) for part in index) and all(part == slice(None) for part in index[:2])


def _is_zero_pad(node: Node) -> bool:
    options = dict(zip(("input", "pad", "mode", "value"), node.args, strict=False)) | node.kwargs
    pad = options["pad"]
    if not isinstance(pad, list | tuple) or len(pad) // 2 > len(_shape(node)) - 2:
        return False
    return options.get("mode", "constant") == "constant" and not options.get("value")


def _shape(node: Node) -> torch.Size:
    return cast(torch.Size, node.meta["tensor_meta"].shape)


def _module(traced: GraphModule, node: Node) -> nn.Module | None:
    return traced.get_submodule(cast(str, node.target)) if node.op == "call_module" else None


def _set_module(traced: GraphModule, name: str, module: nn.Module) -> None:
    parent, _, child = name.rpartition(".")
    setattr(traced.get_submodule(parent), child, module)
