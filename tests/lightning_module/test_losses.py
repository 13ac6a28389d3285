import numpy as np
import pytest
import torch

from datamodules.errors import InputError
from datamodules.geometry.regions import five_regions
from lightning_module.losses import weighted_distance
from lightning_module.region_weights import RegionWeights

REGIONS = np.array([[2, 2, 3, 4], [4, 4, 5, 5]], np.uint8).repeat(2, axis=0)  # 4 x 4
LANDMARKS = np.array([[0, 0], [3, 3]])
FIVE = RegionWeights.of(five_regions(), {})


def _weights(*values, radius=0.0):
    return RegionWeights.of(five_regions(), dict(zip(FIVE.by_name, values, strict=True)), radius)


def test_the_loss_by_hand():
    target = torch.zeros(2, 3, 1, 2)
    predicted = target.clone()
    predicted[0, :, 0, 0] = torch.tensor([3.0, 4, 0])
    predicted[1, :, 0, 1] = torch.tensor([0.0, 0, 2])
    weights = torch.tensor([[1.5, 0.5]])
    assert weighted_distance(predicted, target, weights).item() == pytest.approx((5 * 1.5 + 2 * 0.5) / 2 / 2)
    assert weighted_distance(predicted, target, weights, norm="l1").item() == pytest.approx((7 * 1.5 + 2 * 0.5) / 4)
    assert weighted_distance(predicted, target, weights, norm="squared").item() == pytest.approx(
        (25 * 1.5 + 4 * 0.5) / 4
    )


@pytest.mark.parametrize("norm", ["l2", "l1", "squared"])
def test_a_perfect_map_costs_nothing_and_pulls_nowhere(norm):
    predicted = torch.rand(1, 3, 4, 4, requires_grad=True)
    loss = weighted_distance(predicted, predicted.detach(), torch.ones(4, 4), norm)
    loss.backward()
    assert loss.item() == pytest.approx(0, abs=1e-5)
    assert (predicted.grad == 0).all()


def test_neck_texels_receive_no_gradient():
    weights = torch.from_numpy(FIVE.weight_map(REGIONS, np.array([[0, 0]])))
    predicted = torch.rand(1, 3, 4, 4, requires_grad=True)
    weighted_distance(predicted, torch.zeros(1, 3, 4, 4), weights).backward()
    neck = torch.from_numpy(REGIONS == 5)
    assert (predicted.grad[..., neck] == 0).all()
    assert (predicted.grad[..., ~neck] != 0).all()


def test_weights_have_the_ratio_and_mean_1_over_what_counts():
    weights = torch.from_numpy(FIVE.weight_map(REGIONS, LANDMARKS))
    assert weights[weights > 0].mean() == pytest.approx(1)
    assert (weights / weights[2, 0] * 3).tolist()[0] == pytest.approx([16, 5, 4, 3])
    assert weights[3, 3] / weights[2, 0] == pytest.approx(16 / 3)  # a landmark on the neck counts as one
    assert (weights[2:, 2:] == 0).sum() == 3


def test_the_whole_scale_of_the_weights_does_not_matter():
    one, tenfold = FIVE, _weights(160, 50, 40, 30, 0)
    np.testing.assert_allclose(one.weight_map(REGIONS, LANDMARKS), tenfold.weight_map(REGIONS, LANDMARKS), rtol=1e-6)


def test_discs_weigh_more_texels_as_landmarks():
    regions = np.full((20, 20), 4, np.uint8)
    texel = np.array([[10, 10]])
    heavy = [int((RegionWeights.of(five_regions(), {}, r).weight_map(regions, texel) > 2).sum()) for r in (0, 1, 2)]
    assert heavy == [1, 5, 13]


def test_a_ratio_is_its_name():
    assert FIVE.ratio == "16-5-4-3-0"
    assert _weights(1, 1, 1, 1, 0.25, radius=2).ratio == "1-1-1-1-0.25 r2"


@pytest.mark.parametrize(
    "weights",
    [
        {"mouth": -1},
        {"face": float("nan")},
        {"landmarks": float("inf")},
        dict.fromkeys(("landmarks", "eyes_nose", "mouth", "face"), 0),
    ],
)
def test_weights_that_mean_nothing_are_refused(weights):
    with pytest.raises(InputError, match="region weights"):
        RegionWeights.of(five_regions(), weights)


def test_a_radius_below_0_is_refused():
    with pytest.raises(InputError, match=r"--model\.landmark_radius_texels"):
        RegionWeights.of(five_regions(), {}, -1.0)


def test_an_unknown_region_is_named_beside_those_there_are():
    with pytest.raises(InputError, match=r"--model\.weights\.nose: .*landmarks, eyes_nose, mouth, face, neck"):
        RegionWeights.of(five_regions(), {"nose": 3.0})


def test_landmarks_cover_only_the_regions_after_theirs():
    landmarks, eyes_nose, *others = five_regions()
    weights = RegionWeights.of((eyes_nose, landmarks, *others), {})
    (left, _, mouth, face), _, _, (*_, corner) = weights.weight_map(REGIONS, LANDMARKS)
    assert [left, mouth, corner] == pytest.approx([face * 5 / 3, face * 4 / 3, face * 16 / 3])


def test_weights_on_regions_without_texels_are_refused():
    only_mouth = dict.fromkeys(FIVE.by_name, 0) | {"mouth": 1}
    with pytest.raises(InputError, match="gives no texel a weight"):
        RegionWeights.of(five_regions(), only_mouth).weight_map(np.full((4, 4), 4, np.uint8), LANDMARKS)
