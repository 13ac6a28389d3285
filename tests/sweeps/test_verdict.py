"""What a confirmation says of trainings whose truth is known."""

import numpy as np
import pytest

from lightning_module.evaluation.paired_seeds import holm
from lightning_module.evaluation.score import Score
from lightning_module.region_weights import RegionWeights
from sweeps.confirmation import confirmation
from sweeps.verdict import verdicts_of
from tests.sweeps.stubs import settings
from tests.sweeps.trainings import BINS, KNOWN, REFERENCE, figure, trained_to_the_end

GOOD, BAD, SAME = "30-5-4-3-0", "1-5-4-3-0", "17-5-4-3-0"
EFFECTS = {GOOD: -2.0, BAD: 2.0}


def _confirmation(folder, chosen=(GOOD, BAD, SAME), error=None, seeds=8, **options):
    """A confirmation that has come to its end; an hour for each training."""
    asked = settings(folder, confirm_ratios=len(chosen), confirm_seeds=seeds, **options)
    weights = [_weights(asked, ratio) for ratio in chosen]
    _, finished = trained_to_the_end(asked, [list(chosen), list(KNOWN)], error or _error)
    return confirmation(finished, weights, asked)


def _weights(asked, ratio):
    values = map(float, ratio.split("-"))
    return RegionWeights.of(asked.regions, dict(zip((region.name for region in asked.regions), values, strict=True)))


def _error(ratio, seed):
    return figure(ratio, seed, EFFECTS)


def test_holm_is_the_textbooks():
    assert holm(np.array([0.01, 0.04, 0.03])) == pytest.approx([0.03, 0.06, 0.06])
    assert holm(np.array([[0.9, 0.8], [0.01, 0.03]])) == pytest.approx(np.array([[1, 1], [0.02, 0.03]]))


def test_a_verdict_says_what_it_rests_on(tmp_path):
    found = _confirmation(tmp_path)
    verdicts = verdicts_of(found, 0)
    assert [verdict.outcome for verdict in verdicts] == ["better", "worse", "not distinguishable"]
    said = [verdict.in_words(REFERENCE) for verdict in verdicts]
    assert said[0].startswith(f"{GOOD} is better than {REFERENCE}: -")
    assert f"decided after {verdicts[0].seeds} of at most 8 seeds" in said[0]
    assert "is not distinguishable from" in said[2]
    assert "p = " in said[2]
    assert verdicts[0].interval.low < verdicts[0].difference < verdicts[0].interval.high < 0
    assert verdicts[0].seeds < 8
    assert found.errors[GOOD].shape == (verdicts[0].seeds, 6)
    assert {verdict.ratio for verdict in verdicts_of(found, 1)} == set(KNOWN)
    assert 0 < verdicts[2].detectable < 1


def test_too_few_seeds_say_so(tmp_path):
    found = _confirmation(tmp_path, seeds=4)
    verdict = verdicts_of(found, 0)[0]
    assert (verdict.outcome, verdict.p, verdict.seeds) == ("not distinguishable", 1, 4)
    assert "so few seeds detect no difference" in verdict.in_words(REFERENCE)
    assert "all 4 seeds were trained" in verdict.in_words(REFERENCE)


def test_a_ratio_that_is_given_up_says_why(tmp_path):
    def alternating(ratio, seed):  # as often worse as better, and by no luck
        return 5 + (0.1 * (-1) ** seed if ratio == SAME else 0.0)

    same = verdicts_of(_confirmation(tmp_path, error=alternating), 0)[2]
    assert same.outcome == "not distinguishable"
    assert "given up after 3 of at most 8 seeds, since the difference was below" in same.in_words(REFERENCE)


def test_hours_that_end_it_are_named(tmp_path):
    found = _confirmation(tmp_path, error=lambda ratio, seed: figure(ratio, seed, {}, 0.5), hours=19)
    (*_, last) = sorted(
        (v for family in (0, 1) for v in verdicts_of(found, family)), key=lambda v: "--hours" in v.ending
    )
    assert last.in_words(REFERENCE).count("ended by --hours after 3 of at most 8 seeds") == 1


def test_what_diverged_is_named_with_its_seed(tmp_path):
    def one(ratio, seed):
        return float("nan") if (ratio, seed) == (SAME, 1001) else _error(ratio, seed)

    verdict = verdicts_of(_confirmation(tmp_path, error=one), 0)[2]
    assert (verdict.outcome, verdict.seeds) == ("diverged", 0)
    assert verdict.in_words(REFERENCE).startswith(f"{SAME}: training diverged (seed 1001)")

    def reference(ratio, seed):
        return float("nan") if (ratio, seed) == (REFERENCE, 1000) else _error(ratio, seed)

    lost = _confirmation(tmp_path, error=reference)
    verdict = verdicts_of(lost, 0)[0]
    assert verdict.outcome == "not distinguishable"
    assert (
        verdict.in_words(REFERENCE)
        == f"{GOOD} could not be compared with {REFERENCE}: training of {REFERENCE} diverged (seed 1000)."
    )


def test_the_worst_bin_is_judged_where_it_was_searched_for(tmp_path):
    def trade(ratio, seed):  # better where it was worst, worse elsewhere
        noise = np.random.default_rng([seed, *ratio.encode()]).normal(0, 0.01, 6)
        return 5 + BINS + noise + (np.where(BINS == 2, -0.5, 0.5) if ratio == GOOD else 0.0)

    found = {
        reduction: verdicts_of(_confirmation(tmp_path, error=trade, scores=(Score("nme", reduction),)), 0, reduction)[0]
        for reduction in ("mean", "worst")
    }
    assert (found["mean"].outcome, found["worst"].outcome) == ("worse", "better")
    assert found["mean"].difference == pytest.approx(1 / 6, abs=0.02)
    assert found["worst"].difference == pytest.approx(-0.5, abs=0.02)
