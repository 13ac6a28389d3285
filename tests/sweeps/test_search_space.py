from dataclasses import replace

import optuna
import pytest
from optuna.trial import create_trial

from datamodules.errors import InputError
from datamodules.geometry.face_areas import above_jaw
from datamodules.geometry.regions import RegionSpec, five_regions
from lightning_module.evaluation.statistics import Interval
from lightning_module.region_weights import RegionWeights
from sweeps.confirmation import candidates, confirmation_job
from sweeps.search_space import SearchSpace, stored_weights, weights_from_store
from sweeps.storage import open_storage, search_study
from sweeps.sweep_report import make_report
from sweeps.verdict import Verdict
from tests.sweeps.stubs import finished_search, settings

FIVE = five_regions()
REFERENCE = RegionWeights.of(FIVE, {})


def _weights(*values, radius=0.0):
    return RegionWeights.of(FIVE, dict(zip(REFERENCE.by_name, values, strict=True)), radius)


def test_weights_that_are_enqueued_are_tried_as_they_are():
    space = SearchSpace()
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    known = [REFERENCE, _weights(3, 3, 3, 3, 0), _weights(16, 4, 4, 3, 2)]
    for weights in known:
        study.enqueue_trial(space.parameters(weights))
    assert [space.suggest(study.ask(), FIVE) for _ in known] == known


def test_a_ratio_is_the_same_whatever_its_factor():
    space = SearchSpace()
    assert space.parameters(_weights(1, 1, 1, 1, 0)) == space.parameters(_weights(3, 3, 3, 3, 0))


def test_draws_stay_in_the_space_and_the_neck_is_switched():
    space = SearchSpace()
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    drawn = [space.suggest(study.ask(), FIVE) for _ in range(200)]
    assert all(1 <= weights.by_name["landmarks"] <= 3000 and weights.by_name["face"] == 3 for weights in drawn)
    without = [weights for weights in drawn if weights.by_name["neck"] == 0]
    assert 70 < len(without) < 130
    assert all(0.01 <= weights.by_name["neck"] <= 10 for weights in drawn if weights not in without)
    assert {weights.landmark_radius_texels for weights in drawn} == {0.0, 1.0, 2.0}
    below_55 = sum(weights.by_name["landmarks"] < 55 for weights in drawn)  # the middle of the range on a log scale
    assert 70 < below_55 < 130


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"ranges": {"landmarks": (0.0, 10.0)}}, r"--space.ranges.landmarks is \[0, 10\]"),
        ({"ranges": {"mouth": (5.0, 1.0)}}, "--space.ranges.mouth"),
        ({"ranges": {"neck": (-1.0, 1.0)}}, "--space.ranges.neck"),
        ({"landmark_radius_texels": ()}, "at least one"),
    ],
)
def test_a_space_that_cannot_be_is_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        SearchSpace(**arguments)


@pytest.mark.parametrize("name", ["nose", "face"])
def test_a_range_of_a_region_that_is_not_searched_is_refused(name):
    with pytest.raises(InputError, match=rf"--space\.ranges\.{name}: .*landmarks, eyes_nose, mouth, neck\."):
        SearchSpace(ranges={name: (1.0, 2.0)}).signature(FIVE)


def test_weights_outside_the_space_are_refused():
    for weights, message in (
        (_weights(16, 5, 4, 0, 0), "has weight 0"),
        (_weights(9000, 5, 4, 3, 0), "landmarks lies outside"),
        (_weights(16, 5, 4, 3, 0, radius=3), "its radius"),
    ):
        with pytest.raises(InputError, match=message):
            SearchSpace().parameters(weights)
        assert not SearchSpace().holds(weights)


def test_the_signature_of_the_five_regions_is_that_of_existing_studies():
    assert SearchSpace(landmark_radius_texels=(0.0,)).signature(FIVE) == (
        "landmarks=(1.0, 3000.0) eyes_nose=(0.3, 100.0) mouth=(0.3, 100.0) neck=(0.01, 10.0) "
        "landmark_radius_texels=(0.0,)"
    )
    assert SearchSpace(ranges={"mouth": (1.0, 2.0)}).signature(FIVE) != SearchSpace().signature(FIVE)


def test_a_table_of_ones_own_is_searched():
    table = (RegionSpec(7, "chin", "chin", "#123456", True, 2.0, (1.0, 4.0), above_jaw), *FIVE)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=2))
    weights = SearchSpace().suggest(study.ask(), table)
    assert list(study.trials[0].params)[:2] == ["chin", "landmarks"]
    assert 1 <= weights.by_name["chin"] <= 4
    assert weights_from_store(table, stored_weights(weights)) == weights
    assert "chin=(1.0, 4.0)" in SearchSpace().signature(table)


def test_two_held_regions_keep_their_ratio():
    *first, face, neck = FIVE
    table = (*first, face, replace(neck, search_range=None, weight=1.0))
    space = SearchSpace()
    assert space.holds(RegionWeights.of(table, {}))
    assert not space.holds(RegionWeights.of(table, {"neck": 2.0}))


def test_a_table_whose_regions_all_vary_is_refused():
    table = tuple(replace(region, search_range=(1.0, 2.0)) for region in FIVE)
    with pytest.raises(InputError, match="no region has a fixed weight above 0"):
        SearchSpace().signature(table)


def test_a_study_of_one_radius_is_refused_with_the_option_that_restores_it(tmp_path):
    asked = settings(tmp_path, n_trials=1, space=SearchSpace({"mouth": (1.0, 9.0)}, (0.0,)))
    finished_search(asked)
    with pytest.raises(InputError) as caught:
        search_study(settings(tmp_path), open_storage(asked.storage))
    assert str(caught.value) == (
        "study stub was started with another space (mouth [1.0, 9.0], now [0.3, 100.0]; landmark_radius_texels [0.0], now "
        '[0.0, 1.0, 2.0]; the original is --space.ranges.mouth "[1.0, 9.0]" --space.landmark_radius_texels "[0.0]"), so '
        "its trials are not comparable. Give another --study, or the original setting."
    )


def test_equal_weights_with_other_radii_are_other_ratios(tmp_path):
    asked = settings(tmp_path, confirm_ratios=3)
    radii = [_weights(20, 5, 4, 3, 0), _weights(20, 5, 4, 3, 0, radius=2), _weights(16, 5, 4, 3, 0, radius=1)]
    trials = [
        create_trial(value=place, user_attrs={"ratio": weights.ratio, "weights": stored_weights(weights)})
        for place, weights in enumerate(radii)
    ]
    assert candidates(trials, asked) == radii  # 16-5-4-3-0 r1 is not the reference
    jobs = [confirmation_job(weights, 1000) for weights in radii]
    assert [job.name for job in jobs] == ["20-5-4-3-0 s1000", "20-5-4-3-0 r2 s1000", "16-5-4-3-0 r1 s1000"]
    assert [job.attributes["weights"]["landmark_radius_texels"] for job in jobs] == [0, 2, 1]
    assert all(weights.landmark_radius_texels == 0 for weights in asked.baselines)
    report = make_report(asked, None, trials, None)
    report.verdicts.append(Verdict("20-5-4-3-0 r2", "better", -0.1, Interval(-0.2, -0.05), 0.01, 0.1, 8, ""))
    _, options = report.best
    assert options == radii[1].options
    assert options["landmark_radius_texels"] == 2
