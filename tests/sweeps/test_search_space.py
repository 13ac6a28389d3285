import optuna
import pytest

from datamodules.errors import InputError
from datamodules.geometry.regions import five_regions
from lightning_module.region_weights import RegionWeights
from sweeps.search_space import SearchSpace
from sweeps.settings import known_weights

BASELINES = known_weights(five_regions())


def _weights(*values, radius=0.0):
    names = [region.name for region in five_regions()]
    return RegionWeights.of(five_regions(), dict(zip(names, values, strict=True)), radius)


def test_weights_that_are_enqueued_are_tried_as_they_are():
    space = SearchSpace()
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for weights in BASELINES:
        study.enqueue_trial(space.parameters(weights))
    tried = [space.suggest(study.ask()) for _ in BASELINES]
    assert tried == list(BASELINES)


def test_a_ratio_is_the_same_whatever_its_factor():
    space = SearchSpace()
    assert space.parameters(_weights(1, 1, 1, 1, 0)) == space.parameters(BASELINES[1])


def test_draws_stay_in_the_space_and_the_neck_is_switched():
    space = SearchSpace(landmark_radius_texels=(0.0, 2.0))
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    drawn = [space.suggest(study.ask()) for _ in range(200)]
    assert all(1 <= weights.by_name["landmarks"] <= 3000 and weights.by_name["face"] == 3 for weights in drawn)
    without = [weights for weights in drawn if weights.by_name["neck"] == 0]
    assert 70 < len(without) < 130
    assert all(0.01 <= weights.by_name["neck"] <= 10 for weights in drawn if weights not in without)
    assert {weights.landmark_radius_texels for weights in drawn} == {0.0, 2.0}
    below_55 = sum(weights.by_name["landmarks"] < 55 for weights in drawn)  # the middle of the range on a log scale
    assert 70 < below_55 < 130


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"landmarks": (0.0, 10.0)}, r"--space.landmarks is \[0, 10\]"),
        ({"mouth": (5.0, 1.0)}, "--space.mouth"),
        ({"neck": (-1.0, 1.0)}, "--space.neck"),
        ({"landmark_radius_texels": ()}, "at least one"),
    ],
)
def test_a_space_that_cannot_be_is_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        SearchSpace(**arguments)


def test_weights_outside_the_space_are_refused():
    for weights, message in (
        (_weights(16, 5, 4, 0, 0), "weighs nothing"),
        (_weights(9000, 5, 4, 3, 0), "landmarks lies outside"),
        (_weights(16, 5, 4, 3, 0, radius=2), "its radius"),
    ):
        with pytest.raises(InputError, match=message):
            SearchSpace().parameters(weights)


def test_spaces_that_differ_have_other_signatures():
    assert SearchSpace().signature == SearchSpace().signature != SearchSpace(mouth=(1.0, 2.0)).signature
