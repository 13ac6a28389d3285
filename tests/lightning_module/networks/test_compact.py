import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from datamodules.errors import InputError
from lightning_module.networks.compact import CompactNetwork


def test_the_default_has_the_stated_size():
    network = CompactNetwork()
    assert sum(parameter.numel() for parameter in network.parameters()) == 893_856
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        assert network.eval()(torch.rand(1, 3, 64, 64)).shape == (1, 3, 32, 32)
    assert counter.get_total_flops() / 1e6 == pytest.approx(36, abs=0.5)


@pytest.mark.parametrize(("image_size", "map_size"), [(64, 64), (32, 32), (128, 64), (48, 33)])
def test_other_sizes_work(image_size, map_size):
    network = CompactNetwork(channels=4, stem_channels=4, rank=4, image_size=image_size, map_size=map_size)
    assert network(torch.rand(2, 3, image_size, image_size)).shape == (2, 3, map_size, map_size)


@pytest.mark.parametrize(
    ("sizes", "fault"),
    [
        ({"channels": 0}, "channels is 0"),
        ({"stem_channels": 0}, "stem_channels is 0"),
        ({"rank": 0}, "rank is 0"),
        ({"image_size": 72}, "image_size is 72: give a multiple of 16"),
        ({"map_size": 30}, "map_size is 30: with image_size 64, give a multiple of 4"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(sizes, fault):
    with pytest.raises(InputError, match=fault):
        CompactNetwork(**sizes)


def test_it_starts_from_offsets_of_zero_and_both_heads_learn():
    torch.manual_seed(0)
    network = CompactNetwork(channels=4, stem_channels=4, rank=8)
    offsets = network(torch.rand(4, 3, 64, 64))
    assert (offsets == 0).all()
    (offsets - 1).square().mean().backward()
    assert network.linear_head.weight.grad.abs().sum() > 0
    assert network.local_head.weight.grad.abs().sum() > 0


def test_the_linear_head_sees_the_whole_image_and_the_local_head_its_surroundings():
    torch.manual_seed(0)
    network = CompactNetwork(channels=4, stem_channels=4, rank=8, image_size=256, map_size=64).eval()

    def seen():
        image = torch.rand(1, 3, 256, 256, requires_grad=True)
        network(image)[0, :, 0, 0].sum().backward()
        return image.grad.abs().sum(dim=1)[0] > 0

    torch.nn.init.ones_(network.local_head.weight)
    assert seen()[:64, :64].any()
    assert not seen()[-64:, -64:].any()
    torch.nn.init.ones_(network.linear_head.weight)
    assert seen()[-64:, -64:].any()
