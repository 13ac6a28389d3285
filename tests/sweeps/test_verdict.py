"""What a confirmation says of simulated trainings, whose truth is known."""

from itertools import product

import numpy as np
import pytest

from lightning_module.evaluation.paired_seeds import (
    detectable,
    difference_interval,
    holm,
    interval_coverage,
    sign_flip_p,
)
from sweeps.verdict import verdicts_against

SEEDS, FACES, RATIOS = 8, 60, 3
BINS = np.repeat([0, 1, 2], FACES // 3)


def _trainings(rng, effects, seed_deviation=0.3):
    """(S, N) errors of the reference and of each ratio: faces are hard for all, and a seed moves a ratio as a whole."""
    hard = rng.gamma(4, 1, FACES)

    def one(effect):
        return hard + effect + rng.normal(0, seed_deviation, (SEEDS, 1)) + rng.normal(0, 0.5, (SEEDS, FACES))

    return one(0.0), {str(i): one(effect) for i, effect in enumerate(effects)}


def test_a_sign_flip_test_tries_every_sign():
    differences = np.array([0.3, -0.1, 0.4, 0.2])
    means = [abs(np.mean(np.array(signs) * differences)) for signs in product((-1, 1), repeat=4)]
    assert sign_flip_p(differences) == pytest.approx(np.mean(np.array(means) >= abs(differences.mean()) - 1e-12))
    assert sign_flip_p(np.ones(5)) == pytest.approx(2 / 32)  # and never less with five seeds


def test_holm_is_the_textbooks():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]


def test_a_thousand_confirmations_of_nothing_are_seldom_wrong():
    rng = np.random.default_rng(0)
    wrong = 0
    for _ in range(1000):
        reference, errors = _trainings(rng, [0.0] * RATIOS)
        p_values = holm([sign_flip_p(found.mean(axis=1) - reference.mean(axis=1)) for found in errors.values()])
        wrong += min(p_values) <= 0.05
    assert wrong <= 70


def test_a_difference_of_two_paired_seed_deviations_is_found():
    rng = np.random.default_rng(1)
    deviation = np.sqrt(2 * (0.3**2 + 0.5**2 / FACES))  # of the difference of two trainings' means
    found = 0
    for _ in range(200):
        reference, errors = _trainings(rng, [-2 * deviation, 0.0, 0.0])
        p_values = holm([sign_flip_p(one.mean(axis=1) - reference.mean(axis=1)) for one in errors.values()])
        found += p_values[0] <= 0.05
    assert found >= 160


def test_the_interval_over_seeds_and_faces_covers_about_as_often_as_it_says():
    rng = np.random.default_rng(2)
    covered = 0
    for i in range(200):
        reference, errors = _trainings(rng, [0.2])
        interval = difference_interval(errors["0"], reference, BINS, seed=i, resamples=400)
        covered += interval.low <= 0.2 <= interval.high
    print(f"simulated coverage of the 95 % interval with {SEEDS} seeds: {covered / 200:.1%}")
    assert interval_coverage(SEEDS) - 0.04 <= covered / 200 <= 0.99  # what is said beside every verdict; faces widen it
    assert interval_coverage(4) < interval_coverage(SEEDS) < interval_coverage(30) == pytest.approx(0.94, abs=0.015)


def test_what_a_budget_can_see():
    assert detectable(5, 1) == float("inf")
    assert detectable(8, 3) < 2
    assert detectable(16, 3) < detectable(8, 3)


def test_a_verdict_says_what_it_rests_on():
    rng = np.random.default_rng(4)
    reference, errors = _trainings(rng, [-2.0, 2.0])
    errors["2"] = reference + np.tile([0.1, -0.1], SEEDS // 2)[:, None]  # as often worse as better, and by no luck
    verdicts = verdicts_against(
        reference, {"30-5-4-3-0": errors["0"], "1-1-1-1-0": errors["1"], "16-4-4-3-0": errors["2"]}, BINS
    )
    assert [verdict.outcome for verdict in verdicts] == ["better", "worse", "not distinguishable"]
    said = [verdict.in_words("16-5-4-3-0") for verdict in verdicts]
    assert said[0].startswith("30-5-4-3-0 is better than 16-5-4-3-0: -")
    assert "is not distinguishable from" in said[2]
    assert verdicts[0].interval.low < verdicts[0].difference < verdicts[0].interval.high < 0
    few = verdicts_against(reference[:4], {"1-1-1-1-0": errors["1"][:4]}, BINS)
    assert few[0].outcome == "not distinguishable"
    assert "they are too few" in few[0].in_words("16-5-4-3-0")


def test_the_worst_bin_is_judged_where_it_was_searched_for():
    rng = np.random.default_rng(5)
    reference = BINS + rng.normal(0, 0.01, (SEEDS, FACES))
    trade = reference + np.where(BINS == 2, -0.5, 0.5)  # better where it was worst, worse elsewhere
    (by_mean,), (by_worst,) = (
        verdicts_against(reference, {"x": trade}, BINS, reduction) for reduction in ("mean", "worst")
    )
    assert (by_mean.outcome, by_worst.outcome) == ("worse", "better")
    assert by_mean.difference == pytest.approx(1 / 6, abs=0.01)
    assert by_worst.difference == pytest.approx(-0.5, abs=0.01)
    assert by_worst.interval.low <= by_worst.difference <= by_worst.interval.high
