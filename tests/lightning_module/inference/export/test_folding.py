"""Batch norms go into the layers before them, in any network, and nothing else changes."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from lightning_module.inference.export.folding import ChannelScale, folded
from lightning_module.inference.export.transposed import plain_convolution, without_transposed
from tests.strangers_network import TwoConvolutions


def _seen(network):
    """Norms that have seen something, so that folding them shows."""
    torch.manual_seed(0)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d) and layer.affine:
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.uniform_(layer.bias, -1, 1)
    with torch.no_grad():
        for _ in range(5):
            network.train()(torch.rand(8, 3, 16, 16))
    return network.eval().requires_grad_(False)


def _norms(network):
    return [layer for layer in network.modules() if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d)]


def _assert_same(one, other):
    image = torch.rand(3, 3, 16, 16)
    torch.testing.assert_close(one(image), other(image), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    "network",
    [
        nn.Sequential(nn.Conv2d(3, 6, 3, bias=False), nn.BatchNorm2d(6)),
        nn.Sequential(nn.Conv2d(3, 6, 3, groups=3), nn.BatchNorm2d(6, affine=False), nn.ReLU()),
        nn.Sequential(nn.Conv2d(3, 4, 1), nn.ConvTranspose2d(4, 6, 4, 2, 1, groups=2), nn.BatchNorm2d(6)),
        nn.Sequential(nn.Conv2d(3, 6, 3), nn.Identity(), nn.Dropout2d(), nn.BatchNorm2d(6)),
        nn.Sequential(nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.BatchNorm2d(6)),
        nn.Sequential(nn.Flatten(), nn.Linear(3 * 256, 5), nn.BatchNorm1d(5)),
    ],
    ids=["conv", "groups", "transposed", "identity", "two norms", "linear"],
)
def test_a_norm_goes_into_the_layer_before_it(network):
    network = _seen(network)
    plain = folded(network, 16)
    assert not _norms(plain)
    _assert_same(plain, network)
    assert _norms(network)  # which is left as it is


class _Sum(nn.Module):
    """A norm after a sum of a cropped layer and of what another layer needs too."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, padding=1)
        self.branch = nn.Conv2d(4, 4, 4, padding=2)
        self.norm = nn.BatchNorm2d(4)

    def forward(self, image):
        features = functional.relu(self.stem(image))
        return self.norm(self.branch(features)[..., :-1, :-1] + features)


class _Padded(nn.Module):
    """A norm after zero padding alone, whose shift cannot come before the padding; and one after a sum with it."""

    def __init__(self, adds):
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 4, 3), nn.Conv2d(3, 4, 1)
        self.adds = adds
        self.norm = nn.BatchNorm2d(4)

    def forward(self, image):
        padded = functional.pad(self.first(image), (1, 1, 1, 1))
        return self.norm(padded + self.second(image) if self.adds else padded)


def test_a_norm_goes_into_both_terms_of_a_sum_and_through_a_crop():
    network = _seen(_Sum())
    plain = folded(network, 16)
    assert not _norms(plain)
    assert len([layer for layer in plain.modules() if isinstance(layer, ChannelScale)]) == 1
    _assert_same(plain, network)


def test_a_shift_never_goes_through_padding():
    alone, added = _seen(_Padded(adds=False)), _seen(_Padded(adds=True))
    assert len(_norms(folded(alone, 16))) == 1
    assert not _norms(folded(added, 16))
    _assert_same(folded(alone, 16), alone)
    _assert_same(folded(added, 16), added)


class _Twice(nn.Module):
    """One layer used twice, once with a norm behind it."""

    def __init__(self):
        super().__init__()
        self.layer, self.norm = nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)

    def forward(self, image):
        return self.norm(self.layer(self.layer(image)))


class _Depends(nn.Module):
    """A network whose steps depend on what it sees, which cannot be traced."""

    def __init__(self):
        super().__init__()
        self.layer, self.norm = nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)

    def forward(self, image):
        features = self.layer(image)
        return self.norm(features) if features.mean() > -100 else features


@pytest.mark.parametrize("kind", [_Twice, _Depends])
def test_what_cannot_be_folded_stays_as_it_is(kind):
    network = _seen(kind())
    plain = folded(network, 16)
    assert len(_norms(plain)) == 1
    _assert_same(plain, network)


def test_a_network_of_ones_own_is_folded_where_it_can_be():
    torch.manual_seed(0)
    network = TwoConvolutions()
    with torch.no_grad():
        network(torch.rand(8, 3, 32, 32))
    plain = folded(network, 32)
    image = torch.rand(2, 3, 32, 32)
    torch.testing.assert_close(plain(image), network.eval()(image), atol=1e-5, rtol=1e-5)
    assert not _norms(plain)


@pytest.mark.parametrize("has_bias", [True, False])
@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "output_padding"),
    [
        (4, 1, 1, 0),
        (3, 1, 0, 0),
        ((4, 3), 1, 1, 0),
        (5, 1, 4, 0),
        (4, 2, 1, 0),
        (2, 2, 0, 0),
        (3, 2, 1, 1),
        (6, 2, 2, 0),
        (5, 2, 2, 1),
    ],
)
def test_a_transposed_convolution_is_a_plain_one(kernel, stride, padding, output_padding, has_bias):
    layer = nn.ConvTranspose2d(3, 5, kernel, stride, padding, output_padding, bias=has_bias).requires_grad_(False)
    plain = plain_convolution(layer)
    assert not [part for part in plain.modules() if isinstance(part, nn.ConvTranspose2d)]
    features = torch.rand(2, 3, 7, 9)
    torch.testing.assert_close(plain(features), layer(features))


@pytest.mark.parametrize("options", [{"stride": 3}, {"stride": 2, "padding": 1}, {"groups": 3}, {"dilation": 2}])
def test_a_transposed_convolution_without_such_a_form_stays(options):
    network = nn.Sequential(nn.ConvTranspose2d(3, 3, 3, **options)).requires_grad_(False)
    plain = without_transposed(network)
    assert isinstance(plain[0], nn.ConvTranspose2d)


def test_what_a_crop_cuts_off_is_not_computed():
    class Cropped(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.ConvTranspose2d(3, 5, 4, 1, 1)

        def forward(self, image):
            return self.layer(image)[..., :-1, 1:-1]

    network = Cropped().eval().requires_grad_(False)
    plain = without_transposed(folded(network, 16))
    assert not [node for node in plain.graph.nodes if node.op == "call_function"]
    _assert_same(plain, network)
