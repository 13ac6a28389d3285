"""What a sequential comparison decides in simulations, whose truth is known."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm, ttest_1samp

from lightning_module.evaluation.sequential import (
    SequentialDesign,
    Standing,
    after_look,
    boundary,
    detectable,
    followed,
    least_seeds,
    normal_scores,
    repeated_interval,
)

REPETITIONS = 2000
QUICK = [(6, 1), (8, 3), (9, 5)]  # most seeds and ratios
ALL = [
    pytest.param(most, ratios, marks=() if (most, ratios) in QUICK else pytest.mark.slow)
    for ratios in range(1, 7)
    for most in range(least_seeds(ratios), 21)
]


def _differences(most, effects, seed=0, repetitions=REPETITIONS):
    """(R, M, S) in deviations of the differences, whose reference is the same for all M ratios."""
    rng = np.random.default_rng([most, len(effects), seed])
    reference = rng.normal(size=(repetitions, 1, most))
    ratios = rng.normal(size=(repetitions, len(effects), most))
    return (ratios - reference) / 2**0.5 + np.array(effects, float)[:, None]


def _share_of_trainings(standing, most):
    """Trainings, those of the reference included, as a share of those of a fixed design."""
    trained = standing.seeds.sum(axis=1) + standing.seeds.max(axis=1)
    return trained.mean() / (most * (standing.seeds.shape[1] + 1))


@pytest.mark.parametrize(("most", "ratios"), ALL)
def test_where_nothing_differs_few_are_wrong_and_trainings_are_saved(most, ratios):
    standing = followed(SequentialDesign.up_to(most), _differences(most, [0] * ratios))
    assert standing.is_significant.any(axis=1).sum() <= 120  # better or worse, of any ratio at any look
    assert _share_of_trainings(standing, most) <= 0.7
    assert standing.seeds.mean() <= 0.7 * most


@pytest.mark.parametrize(("most", "ratios"), ALL)
def test_two_deviations_are_found_nearly_as_often_as_with_one_look_at_the_end(most, ratios):
    differences = _differences(most, [-2] + [0] * (ratios - 1), seed=1)
    early, late = (
        followed(design, differences).is_significant[:, 0].mean()
        for design in (SequentialDesign.up_to(most), SequentialDesign((most,)))
    )
    assert late >= 0.95
    assert early >= late - 0.05


@pytest.mark.parametrize(("most", "ratios"), ALL)
def test_three_deviations_are_decided_early(most, ratios):
    design = SequentialDesign.up_to(most)
    one = followed(design, _differences(most, [-3] + [0] * (ratios - 1), seed=2))
    assert one.seeds[:, 0].mean() <= 0.7 * most
    assert (one.strongest[one.is_significant[:, 0], 0] < 0).all()
    every = followed(design, _differences(most, [-3] * ratios, seed=3))
    assert _share_of_trainings(every, most) <= 0.7


def test_a_confirmation_with_two_families_seldom_calls_a_ratio_better_that_is_not():
    differences = _differences(8, [0] * 5)
    design, wrong = SequentialDesign.up_to(8), np.zeros(REPETITIONS, bool)
    for family in (differences[:, :3], differences[:, 3:]):
        standing = followed(design, family)
        wrong |= (standing.is_significant & (standing.strongest < 0)).any(axis=1)
    assert wrong.sum() <= 120


def test_the_boundary_has_the_level_that_integration_gives():
    design = SequentialDesign((60, 120, 180, 240))
    looks = np.array(design.looks)
    covariance = np.sqrt(np.minimum.outer(looks, looks) / np.maximum.outer(looks, looks))
    limits = np.array([boundary(design, look) for look in looks])
    inside = multivariate_normal(cov=covariance).cdf(limits, lower_limit=-limits)
    assert inside == pytest.approx(0.95, abs=0.0015)
    assert limits * (looks / 240) ** 0.25 == pytest.approx(limits[-1])  # Wang and Tsiatis' shape


def test_with_one_look_it_is_a_t_test():
    design = SequentialDesign((8,))
    differences = _differences(8, [0.7], repetitions=50)
    standing = followed(design, differences)
    assert standing.p[:, 0] == pytest.approx(ttest_1samp(differences[:, 0], 0, axis=-1).pvalue, abs=0.003)
    assert boundary(design, 8) == pytest.approx(norm.isf(0.025), abs=0.01)


def test_a_p_value_never_rises_again_and_a_closed_method_stays_as_it_is():
    design = SequentialDesign.up_to(12)
    differences = _differences(12, [-0.8, 0, 1], repetitions=200)
    standing = Standing.first(200, 3)
    for look in design.looks:
        after = after_look(design, standing, differences[..., :look])
        assert (after.p <= standing.p).all()
        closed = ~standing.is_open
        assert (after.strongest[closed] == standing.strongest[closed]).all()
        assert (after.seeds[closed] == standing.seeds[closed]).all()
        assert not (after.is_open & closed).any()
        standing = after
    assert not standing.is_open.any()


def test_the_interval_leaves_out_zero_where_a_single_method_is_significant():
    design = SequentialDesign.up_to(8)
    for (row,) in _differences(8, [-1.5], repetitions=40):
        for look in design.looks:
            interval = repeated_interval(design, row[:look])
            is_clear = abs(normal_scores(row[:look])) >= boundary(design, look)
            assert is_clear == (interval.high < 0 or interval.low > 0)
            assert interval.low < row[:look].mean() < interval.high
    assert np.isnan(repeated_interval(design, row[:1])).all()


def test_a_diverged_method_is_closed_and_still_counts_as_one_of_the_methods():
    design = SequentialDesign.up_to(9)
    differences = _differences(9, [-1.3, 0], repetitions=300)
    alone = followed(design, differences[:, :1])
    differences[:, 1] = np.nan
    standing = followed(design, differences)
    assert (standing.p[:, 1] == 1).all()
    assert (standing.seeds[:, 1] == 0).all()
    first = after_look(design, Standing.first(300, 2), differences[..., :4])
    of_one = after_look(design, Standing.first(300, 1), differences[:, :1, :4])
    assert first.p[:, 0] == pytest.approx(np.minimum(1, 2 * of_one.p[:, 0]))
    assert standing.is_significant[:, 0].sum() < alone.is_significant[:, 0].sum()


def test_methods_that_do_the_same_are_given_up_and_a_constant_difference_is_clear():
    design = SequentialDesign.up_to(8)
    same, constant = (followed(design, np.full((1, 8), value)) for value in (0.0, -0.25))
    assert (same.p[0], same.seeds[0], same.is_open[0]) == (1, 3, False)
    assert (constant.is_significant[0], constant.seeds[0]) == (True, 3)


def test_too_few_seeds_decide_nothing():
    assert [least_seeds(ratios) for ratios in (1, 2, 3, 5)] == [6, 7, 8, 9]
    assert SequentialDesign.up_to(5).looks == (5,)
    assert SequentialDesign.up_to(8).looks == (3, 4, 5, 6, 7, 8)
    assert SequentialDesign.up_to(20).looks == (8, 10, 13, 15, 18, 20)
    standing = followed(SequentialDesign.up_to(7), _differences(7, [-9, -9, -9], repetitions=20))
    assert (standing.p == 1).all()
    assert detectable(SequentialDesign.up_to(7), 3) == float("inf")
    assert detectable(SequentialDesign.up_to(20), 3) < detectable(SequentialDesign.up_to(8), 3) < 2
