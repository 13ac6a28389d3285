"""Reads the weights of PRNet into this project's network: from TensorFlow's checkpoint, or from a PyTorch port."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from datamodules.errors import InputError
from datamodules.files.tensor_bundle import TensorBundle
from lightning_module.checkpoint import non_finite_tensor
from lightning_module.networks.hourglass import Hourglass
from lightning_module.networks.prnet_names import is_training_state, pytorchcv_names, tensorflow_names

# from (H, W, in, out), and of transposed convolutions (H, W, out, in): PyTorch has (out, in, H, W) and (in, out, H, W).
# Both libraries correlate, and transposed convolutions are the gradients of correlations, so that no kernel is mirrored.
_KERNEL_AXES = (3, 2, 0, 1)
_BUNDLE_ENDINGS = (".index", ".meta")
_COUNTER = "num_batches_tracked"  # of PyTorch's batch norms, which TensorFlow's lack
_WRAPPERS = ("state_dict", "model", "net")  # entries that hold the weights in files of trainings
_PARALLEL = "module."  # in front of names that torch.nn.DataParallel has saved


def read_prnet(weights: Path, verify: bool = True) -> Hourglass:
    """The published network.

    Args:
        weights: A TensorFlow checkpoint: its name without an ending, one of its files, or the folder that holds it; or a
            file of PyTorch with the state dict of pytorchcv's `prnet` or of this project's `Hourglass`.
        verify: Whether the checksums of a TensorFlow checkpoint are compared.

    Raises:
        InputError: If the file cannot be read, is damaged, or holds another network.
    """
    network = Hourglass(tail="published").eval().requires_grad_(False)
    path = weights.expanduser()
    is_bundle = path.name.endswith(_BUNDLE_ENDINGS) or ".data-" in path.name
    if path.is_dir():
        _read_bundle(network, TensorBundle.of(_only_index(path)), verify)
    elif path.is_file() and not is_bundle:
        _take_port(network, path)
    else:
        _read_bundle(network, TensorBundle.of(path), verify)
    if name := non_finite_tensor(network):
        raise InputError(f"{weights}: its weights are not finite ({name}). Copy or download it again.")
    return network


def placed_numbers(network: Hourglass) -> tuple[int, int]:
    """Number of the weights, and of the statistics of batch norms."""
    parameters = dict(network.named_parameters())
    counts = {name: tensor.numel() for name, tensor in network.state_dict().items() if not name.endswith(_COUNTER)}
    weights = sum(counts[name] for name in parameters)
    return weights, sum(counts.values()) - weights


def _only_index(folder: Path) -> Path:
    indices = sorted(folder.glob("*.index"))
    if len(indices) != 1:
        raise InputError(
            f"{folder}: holds {len(indices)} TensorFlow checkpoints (*.index). Give --weights the name of one, without ending."
        )
    return indices[0]


def _read_bundle(network: Hourglass, bundle: TensorBundle, verify: bool) -> None:
    names = tensorflow_names(network)
    _require_same(bundle.index, names.values(), (name for name in bundle.entries if not is_training_state(name)))
    state = network.state_dict()
    for ours, theirs in names.items():
        # read and placed one by one, so that never more than the network is in memory
        state[ours].copy_(torch.from_numpy(_read_tensor(bundle, theirs, tuple(state[ours].shape), verify)))


def _read_tensor(bundle: TensorBundle, name: str, shape: tuple[int, ...], verify: bool) -> NDArray[np.float32]:
    """A tensor of a bundle in the axes of PyTorch, whose shape is given."""
    if len(shape) == 1:
        return bundle.read(name, shape, verify)
    stored = [0] * len(shape)
    for place, axis in enumerate(_KERNEL_AXES):
        stored[axis] = shape[place]
    return np.ascontiguousarray(bundle.read(name, tuple(stored), verify).transpose(_KERNEL_AXES))


def _require_same(path: Path, expected: Iterable[str], names: Iterable[str]) -> None:
    wanted, there = set(expected), set(names)
    if missing := sorted(wanted - there):
        raise InputError(
            f"{path}: is the checkpoint of another network than PRNet's: it has no {missing[0]}, and lacks {len(missing)} of "
            f"{len(wanted)} tensors. Give --weights 256_256_resfcn256_weight, which PRNet's README links to."
        )
    if unknown := sorted(there - wanted):
        raise InputError(
            f"{path}: is the checkpoint of another network than PRNet's: it has {unknown[0]}, for which PRNet has no place. "
            "Give --weights 256_256_resfcn256_weight, which PRNet's README links to."
        )


def _take_port(network: Hourglass, path: Path) -> None:
    state = _port_state(path)
    own = network.state_dict()
    tables: dict[str, Callable[[], Mapping[str, str]]] = {
        "pytorchcv's prnet": lambda: pytorchcv_names(network),
        "this project's Hourglass": lambda: {name: name for name in own if not name.endswith(_COUNTER)},
    }
    for table in tables.values():
        names = table()
        if set(names.values()) == state.keys():
            break
    else:
        strange = next(iter(state), "none")
        raise InputError(
            f"{path}: its names of layers (such as {strange}) are those of no known port of PRNet: {' or '.join(tables)}. "
            "Give --weights TensorFlow's checkpoint 256_256_resfcn256_weight, which PRNet's README links to."
        )
    for ours, theirs in names.items():
        tensor = state[theirs]
        if tensor.shape != own[ours].shape or not tensor.is_floating_point():
            raise InputError(
                f"{path}: {theirs} is {tensor.dtype} of shape {tuple(tensor.shape)}, expected floats of shape "
                f"{tuple(own[ours].shape)}. Is it another network?"
            )
        own[ours].copy_(tensor)


def _port_state(path: Path) -> dict[str, Tensor]:
    """The tensors of a state dict without the counters of batch norms."""
    try:
        content = torch.load(path, weights_only=True, map_location="cpu", mmap=True)
    # what torch raises depends on what the file is
    except Exception as error:
        raise InputError(
            f"{path}: is neither a file of a TensorFlow checkpoint nor a state dict of PyTorch. Give --weights the checkpoint's "
            "name without an ending, such as 256_256_resfcn256_weight."
        ) from error
    for name in _WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(name), Mapping):
            content = content[name]
    if not isinstance(content, Mapping) or not all(isinstance(tensor, Tensor) for tensor in content.values()):
        raise InputError(f"{path}: holds no state dict. Save network.state_dict() alone, and give --weights that file.")
    state = {str(name).removeprefix(_PARALLEL): tensor for name, tensor in content.items()}
    return {name: tensor for name, tensor in state.items() if not name.endswith(_COUNTER)}
