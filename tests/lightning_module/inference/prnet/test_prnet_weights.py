"""The imported network is TensorFlow's: the same maps, from weights in the places of the published ones."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from benchmarks.prnet_numbers import SAMPLED, random_crops
from datamodules.errors import InputError
from datamodules.network_input import network_input
from lightning_module.inference.prnet.prnet_weights import placed_numbers, read_prnet
from lightning_module.map_output import origin
from lightning_module.networks.hourglass import Hourglass
from lightning_module.networks.prnet_names import pytorchcv_names
from tests.tensor_bundles import write_bundle

MOST_PX = 1e-3


@pytest.fixture(scope="module")
def network(weights):
    return read_prnet(weights)


def _apart(network, published, crops):
    """Largest distance of a coordinate from TensorFlow's maps, in crop pixels."""
    images = network_input(torch.from_numpy(random_crops()[crops]))
    maps = network(images) + origin(torch.zeros(()), is_residual=False)
    sampled = maps[:, :, SAMPLED, SAMPLED].permute(0, 2, 3, 1).numpy()
    return float(np.abs(sampled - published[1][crops]).max())


def test_maps_are_those_of_tensorflow(network, published):
    maps = published[1]
    assert maps.std(axis=(1, 2)).min() > 20  # within each crop
    assert maps.std(axis=0).mean(axis=(0, 1)).min() > 20  # between crops
    assert _apart(network, published, slice(0, 3)) < MOST_PX


@pytest.mark.slow
def test_maps_of_all_crops_are_those_of_tensorflow(network, published):
    assert _apart(network, published, slice(None)) < MOST_PX


def test_two_tensors_of_one_shape_in_each_others_place_are_noticed(network, published):
    state, pairs = network.state_dict(), {}
    for name, tensor in state.items():
        pairs.setdefault(tuple(tensor.shape), []).append(name)
    swappable = [names[-2:] for names in pairs.values() if len(names) > 1 and state[names[0]].dim()]
    assert len(swappable) > 15
    for one, other in swappable[::5]:
        _require_swap_is_noticed(network, published, one, other)
    assert _apart(network, published, slice(0, 1)) < MOST_PX  # all are back in their places


@pytest.mark.slow
def test_any_two_neighbours_of_one_shape_in_each_others_place_are_noticed(network, published):
    state, pairs = network.state_dict(), {}
    for name, tensor in state.items():
        if tensor.dim():
            pairs.setdefault(tuple(tensor.shape), []).append(name)
    for one, other in [pair for names in pairs.values() for pair in pairwise(names)]:
        _require_swap_is_noticed(network, published, one, other)


def _require_swap_is_noticed(network, published, one, other):
    state = network.state_dict()
    first, second = state[one].clone(), state[other].clone()
    state[one].copy_(second)
    state[other].copy_(first)
    # with a mean in place of a variance, the maps are not even numbers
    assert not _apart(network, published, slice(0, 1)) <= 10 * MOST_PX, (one, other)
    state[one].copy_(first)
    state[other].copy_(second)


def test_all_numbers_are_placed(network):
    assert placed_numbers(network) == (13_353_618, 11_890)


def test_a_state_dict_of_the_port_is_the_same_network(network, tmp_path):
    names = pytorchcv_names(network)
    state = {f"module.{names[name]}": tensor for name, tensor in network.state_dict().items() if name in names}
    state["module.features.init_block.bn.num_batches_tracked"] = torch.tensor(7)
    torch.save({"state_dict": state}, tmp_path / "prnet.pth")
    again = read_prnet(tmp_path / "prnet.pth")
    for name, tensor in network.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor), name


def _port(tmp_path, content):
    path = tmp_path / "port.pth"
    torch.save(content, path)
    return path


def test_other_files_of_pytorch_are_one_line(network, tmp_path):
    names = pytorchcv_names(network)
    state = {names[name]: tensor for name, tensor in network.state_dict().items() if name in names}
    for content, fault in (
        ({"block0.conv.weight": torch.zeros(2)}, r"its names of layers .such as block0\.conv\.weight. are those of no"),
        ([torch.zeros(2)], "holds no state dict"),
        ({"network": Hourglass}, "is neither a file of a TensorFlow checkpoint nor a state dict"),  # code, never run
        (state | {"output.conv1.bn.bias": torch.zeros(4)}, r"output\.conv1\.bn\.bias is torch.float32 of shape .4,."),
        (state | {"output.conv1.bn.bias": torch.full((3,), torch.nan)}, "its weights are not finite"),
    ):
        with pytest.raises(InputError, match=fault) as error:
            read_prnet(_port(tmp_path, content))
        assert "\n" not in str(error.value)
        assert "port.pth" in str(error.value)


def test_the_index_of_another_network_is_one_line(published, tmp_path):
    tensors = {name: tensor for name, tensor in published[0].items() if tensor.ndim == 1}
    write_bundle(tmp_path / "net", tensors)
    with pytest.raises(
        InputError, match=r"net\.index: is the checkpoint of another network .*has no resfcn256/Conv/weights"
    ):
        read_prnet(tmp_path / "net")


def test_more_than_the_published_tensors_is_another_network(weights, tmp_path, monkeypatch):
    monkeypatch.setattr("lightning_module.inference.prnet.prnet_weights.tensorflow_names", lambda network: {})
    with pytest.raises(InputError, match="it has resfcn256/Conv/BatchNorm/beta, for which PRNet has no place"):
        read_prnet(weights)


def test_a_flipped_byte_is_one_line_unless_checksums_are_left_out(weights, tmp_path):
    name = weights.name
    (tmp_path / f"{name}.index").write_bytes(weights.with_name(f"{name}.index").read_bytes())
    data = weights.with_name(f"{name}.data-00000-of-00001").read_bytes()
    damaged = bytearray(data)
    damaged[len(data) // 2] ^= 1
    (tmp_path / f"{name}.data-00000-of-00001").write_bytes(damaged)
    with pytest.raises(InputError, match="does not have its checksum: the file is damaged") as error:
        read_prnet(tmp_path / name)
    assert "\n" not in str(error.value)
    assert placed_numbers(read_prnet(tmp_path / name, verify=False)) == (13_353_618, 11_890)
    (tmp_path / f"{name}.data-00000-of-00001").write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match="truncated"):
        read_prnet(tmp_path / name, verify=False)


def test_a_folder_stands_for_the_checkpoint_in_it(weights, tmp_path):
    assert placed_numbers(read_prnet(weights.parent)) == (13_353_618, 11_890)
    with pytest.raises(InputError, match="holds 0 TensorFlow checkpoints"):
        read_prnet(tmp_path)
