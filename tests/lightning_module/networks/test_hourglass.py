import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from datamodules.errors import InputError
from lightning_module.networks.hourglass import Hourglass, ResidualBlock, TransposedConvolution


def test_the_default_is_the_published_network():
    network = Hourglass()
    assert sum(parameter.numel() for parameter in network.parameters()) == 13_353_618
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        assert network.eval()(torch.rand(1, 3, 256, 256)).shape == (1, 3, 256, 256)
    assert counter.get_total_flops() / 1e9 == pytest.approx(8.26, abs=0.005)


def test_the_code_between_is_8_by_8_by_512():
    network = Hourglass()
    with torch.no_grad():
        assert network.encoder(network.stem(torch.rand(1, 3, 256, 256))).shape == (1, 512, 8, 8)


def test_a_linear_tail_has_as_many_parameters_and_no_bounds():
    published, linear = (Hourglass(4, 64, 64, tail) for tail in ("published", "linear"))
    count = [sum(parameter.numel() for parameter in network.parameters()) for network in (published, linear)]
    assert count[0] == count[1]
    with torch.no_grad():
        image = torch.rand(4, 3, 64, 64)
        assert -140.8 <= published(image).min() <= published(image).max() <= 140.8  # crop pixels
        assert (linear(image) == 0).all()  # it starts from its centre
        torch.nn.init.ones_(linear.decoder[-1].norm.weight)
        assert linear(image).min() < -140.8


def test_fewer_pairs_leave_more_of_a_small_image():
    network = Hourglass(8, 64, 32, "linear", pairs=3)
    assert network.encoder(network.stem(torch.rand(2, 3, 64, 64))).shape == (2, 64, 8, 8)
    assert network(torch.rand(2, 3, 64, 64)).shape == (2, 3, 32, 32)


@pytest.mark.parametrize("pairs", [0, 6])
def test_a_number_of_pairs_that_there_is_not_is_refused(pairs):
    with pytest.raises(InputError, match="pairs is"):
        Hourglass(2, 64, 64, pairs=pairs)


def test_a_bypass_starts_from_nothing_and_sees_the_whole_code():
    network = Hourglass(4, 64, 32, "linear", pairs=3, bypass_rank=8)
    image = torch.rand(2, 3, 64, 64)
    assert (network(image) == 0).all()
    torch.nn.init.ones_(network.bypass.expand.weight)
    code = network.encoder(network.stem(image)).detach().requires_grad_()
    network.bypass(code)[0, 0, 0, 0].backward()  # one texel
    assert (code.grad[0].abs().sum(dim=0) > 0).all()
    assert (code.grad[1] == 0).all()
    assert Hourglass(4, 64, 32, "linear", pairs=3).bypass is None


@pytest.mark.parametrize(("rank", "tail"), [(-1, "linear"), (8, "published")])
def test_a_bypass_that_cannot_be_is_refused(rank, tail):
    with pytest.raises(InputError, match="bypass_rank is"):
        Hourglass(2, 64, 64, tail, bypass_rank=rank)


@pytest.mark.parametrize(("image_size", "map_size"), [(32, 1), (32, 32), (64, 16), (128, 64), (96, 48)])
def test_sizes_are_arguments(image_size, map_size):
    assert Hourglass(2, image_size, map_size)(torch.rand(2, 3, image_size, image_size)).shape[-1] == map_size


@pytest.mark.parametrize(("image_size", "map_size"), [(50, 50), (0, 0), (64, 128), (64, 48)])
def test_sizes_that_do_not_go_together_are_refused(image_size, map_size):
    with pytest.raises(InputError, match="_size is"):
        Hourglass(2, image_size, map_size)


def test_no_layer_has_a_bias_and_norms_are_as_published():
    network = Hourglass(2)
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            assert layer.bias is None
        if isinstance(layer, nn.BatchNorm2d):
            assert (layer.eps, layer.momentum, layer.affine) == (1e-3, 0.001, True)


@pytest.mark.parametrize("width", [1, 2, 3, 8])
def test_narrow_networks_train_in_channels_last(width):
    """torch 2.13 on CPUs crashes in a 1x1 convolution of stride 2 with few channels: there is none here."""
    network = Hourglass(width, 64, 64, "linear").to(memory_format=torch.channels_last)
    image = torch.rand(2, 64, 64, 3).permute(0, 3, 1, 2)
    for _ in range(3):
        network(image).square().mean().backward()
    assert all(parameter.grad.isfinite().all() for parameter in network.parameters())


def test_the_sliced_shortcut_is_the_strided_one():
    block = ResidualBlock(6, 8, 2, 0.1)
    features = torch.rand(2, 6, 16, 16)
    strided = functional.conv2d(features, block.shortcut.weight, stride=2)
    torch.testing.assert_close(block.shortcut(features[..., ::2, ::2]), strided)


def test_a_transposed_convolution_is_the_transpose_of_a_same_convolution():
    """<conv(x), y> = <x, transposed(y)>, where conv pads as TensorFlow does: 1 before and 2 after for stride 1."""
    generator = torch.Generator().manual_seed(0)
    for stride, pad in ((1, (1, 2, 1, 2)), (2, (1, 1, 1, 1))):
        layer = TransposedConvolution(5, 3, stride, 0.1, nn.Identity())
        layer.norm = nn.Identity()
        fine = torch.rand(1, 3, 8, 8, generator=generator)
        coarse = torch.rand(1, 5, 8 // stride, 8 // stride, generator=generator)
        convolved = functional.conv2d(functional.pad(fine, pad), layer.convolution.weight, stride=stride)
        torch.testing.assert_close((convolved * coarse).sum(), (fine * layer(coarse)).sum())
