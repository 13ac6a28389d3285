"""Every tensor of the published network has one name in TensorFlow's checkpoint and one in its port."""

import re

import pytest

from datamodules.files.tensor_bundle import TensorBundle
from lightning_module.networks.hourglass import Hourglass
from lightning_module.networks.prnet_names import is_training_state, pytorchcv_names, tensorflow_names

KERNEL_AXES = (3, 2, 0, 1)


@pytest.fixture(scope="module")
def network():
    return Hourglass(tail="published")


def _stored(network):
    """The tensors of a state dict but the counters of batch norms, which TensorFlow lacks."""
    return {name: tensor for name, tensor in network.state_dict().items() if tensor.dim()}


@pytest.mark.parametrize("names_of", [tensorflow_names, pytorchcv_names])
def test_all_tensors_have_names_and_no_two_the_same(names_of, network):
    names = names_of(network)
    assert names.keys() == _stored(network).keys()
    assert len(set(names.values())) == len(names) == 245


def test_names_are_those_of_the_published_code(network):
    ours, port = tensorflow_names(network), pytorchcv_names(network)
    for name, tensorflow, pytorchcv in (
        ("stem.convolution.weight", "Conv/weights", "features.init_block.conv.weight"),
        (
            "encoder.0.shortcut.weight",
            "resBlock/shortcut/weights",
            "features.encoder.stage1.unit1.identity_conv.weight",
        ),
        (
            "encoder.3.reduce_norm.bias",
            "resBlock_3/Conv/BatchNorm/beta",
            "features.encoder.stage2.unit2.body.conv1.bn.bias",
        ),
        (
            "encoder.9.norm.running_var",
            "resBlock_9/BatchNorm/moving_variance",
            "features.encoder.stage5.unit2.norm_activ.bn.running_var",
        ),
        (
            "decoder.0.norm.weight",
            "Conv2d_transpose/BatchNorm/gamma",
            "features.decoder.stage1.unit1.bn.weight",
        ),
        (
            "decoder.12.convolution.weight",
            "Conv2d_transpose_12/weights",
            "features.decoder.stage6.unit1.conv.weight",
        ),
        ("decoder.16.convolution.weight", "Conv2d_transpose_16/weights", "output.conv3.conv.weight"),
    ):
        assert (ours[name], port[name]) == (f"resfcn256/{tensorflow}", pytorchcv)
    assert not [name for name in ours.values() if re.search(r"resBlock_[13579]/shortcut", name)]


def test_the_published_table_has_a_place_for_each_tensor_and_no_other(real, network):
    entries = TensorBundle(real / "prnet" / "256_256_resfcn256_weight").entries
    assert len(entries) == 545  # and the header
    names = tensorflow_names(network)
    assert set(names.values()) == {name for name in entries if not is_training_state(name)}
    counts = {"weights": 0, "statistics": 0}
    for ours, tensor in _stored(network).items():
        shape = entries[names[ours]].shape
        turned = tuple(shape[axis] for axis in KERNEL_AXES) if len(shape) == 4 else shape
        assert turned == tuple(tensor.shape), ours
        counts["statistics" if "running" in ours else "weights"] += tensor.numel()
    assert counts == {"weights": 13_353_618, "statistics": 11_890}
