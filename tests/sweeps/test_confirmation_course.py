"""What a confirmation trains, look by look."""

import random

import numpy as np
import pytest

from lightning_module.evaluation.sequential import SequentialDesign
from sweeps.confirmation_course import follow
from sweeps.confirmation_time import busy_hours
from tests.sweeps.stubs import settings
from tests.sweeps.trainings import KNOWN, REFERENCE, figure, trained_to_the_end, training

GOOD, SAME, BAD = "90-5-4-3-0", "17-5-4-3-0", "1-5-4-3-0"
EFFECTS = {GOOD: -3.0, BAD: 3.0}
FAMILIES = [[GOOD, SAME, BAD], list(KNOWN)]
DESIGN = SequentialDesign.up_to(8)


@pytest.fixture
def asked(tmp_path):
    return settings(tmp_path, confirm_ratios=3, confirm_seeds=8)


def _error(ratio, seed):
    return figure(ratio, seed, EFFECTS, 0.01)


def _trained(asked, error=_error, order=None):
    return trained_to_the_end(asked, FAMILIES, error, order)


def _seeds_of(course):
    return {
        ratio: int(seeds)
        for ratios, standing in zip(course.families, course.standings, strict=True)
        for ratio, seeds in zip(ratios, standing.seeds, strict=True)
    }


def test_the_first_look_wants_all_ratios_and_later_ones_only_the_open(asked):
    first = follow([], FAMILIES, asked, DESIGN)
    assert (first.looked_at, first.is_over) == (0, False)
    assert [key[0] for key in first.wanted[:6]] == [REFERENCE, *KNOWN, GOOD, SAME, BAD]  # seed by seed
    assert {seed for _, seed in first.wanted} == {1000, 1001, 1002}
    done = [training(*key, _error(*key)) for key in first.wanted]
    second = follow(done, FAMILIES, asked, DESIGN)
    closed = {ratio for ratio in (GOOD, BAD, SAME, *KNOWN) if (ratio, 1003) not in second.wanted}
    assert {GOOD, BAD} <= closed
    assert (REFERENCE, 1003) in second.wanted
    assert set(first.wanted) <= set(second.wanted)
    assert not second.is_over


def test_a_confirmation_ends_when_all_ratios_are_decided_or_given_up(asked):
    course, finished = _trained(asked)
    assert not any(standing.is_open.any() for standing in course.standings)
    proposed = course.standings[0]
    assert proposed.is_significant.tolist() == [True, False, True]
    assert (proposed.strongest[0] < 0, proposed.strongest[2] > 0) == (True, True)
    seeds = _seeds_of(course)
    assert seeds[GOOD] < 8
    assert course.looked_at == max(seeds.values())  # the reference continues as long as any ratio needs it
    assert len(finished) == sum(seeds.values()) + course.looked_at


def test_the_order_in_which_workers_finish_changes_nothing(asked):
    expected, finished = _trained(asked)
    for seed in range(3):
        course, others = _trained(asked, order=random.Random(seed))
        assert course.wanted == expected.wanted
        assert len(others) == len(finished)
        for one, other in zip(course.standings, expected.standings, strict=True):
            assert (one.p == other.p).all()


def test_a_ratio_that_diverges_is_dropped_and_the_others_go_on(asked):
    def error(*key):
        return float("nan") if key in {(SAME, 1001), (KNOWN[0], 1003)} else _error(*key)

    course, finished = _trained(asked, error)
    assert course.diverged[SAME] == 1001
    assert not {(SAME, seed) for seed in range(1002, 1008)} & set(course.wanted)
    assert (_seeds_of(course)[SAME], course.standings[0].p[1]) == (0, 1)
    assert course.standings[0].is_significant.tolist() == [True, False, True]
    assert set(course.diverged) <= {SAME, KNOWN[0]}  # the known ratio may have been closed before
    assert len(finished) < 6 * 8


def test_a_reference_that_diverges_ends_the_confirmation(asked):
    course, _ = _trained(asked, lambda *key: float("nan") if key == (REFERENCE, 1001) else _error(*key))
    assert (course.is_over, course.looked_at, course.diverged) == (True, 0, {REFERENCE: 1001})
    later, _ = _trained(asked, lambda *key: float("nan") if key == (REFERENCE, 1003) else _error(*key))
    assert (later.looked_at, later.diverged) == (3, {REFERENCE: 1003})
    assert later.standings[0].is_significant[0]  # what the first look decided stays


def test_hours_end_it_before_a_look_that_does_not_fit(asked, tmp_path):
    unlimited, finished = _trained(asked)  # an hour each, one after the other
    short, some = _trained(settings(tmp_path, confirm_ratios=3, confirm_seeds=8, hours=18.5))
    assert len(some) == 18  # the first look of six ratios; the second would take hours more
    assert (short.is_out_of_time, short.looked_at) == (True, 3)
    assert unlimited.wanted[:18] == short.wanted
    none, first = _trained(settings(tmp_path, confirm_ratios=3, confirm_seeds=8, hours=0.1))
    assert (none.looked_at, len(first)) == (3, 18)  # a look that has begun is finished
    ample, all_of_them = _trained(settings(tmp_path, confirm_ratios=3, confirm_seeds=8, hours=len(finished) + 0.5))
    assert not ample.is_out_of_time
    assert len(all_of_them) == len(finished)


def test_a_look_that_has_begun_is_not_given_up_when_its_trainings_take_longer(asked, tmp_path):
    _, finished = _trained(asked)
    limited = settings(tmp_path, confirm_ratios=3, confirm_seeds=8, hours=len(finished) + 0.5)
    begun = [*finished[:18], training(*_key(finished[18]), 5.0, 18, 400)]
    assert follow(begun, FAMILIES, limited, DESIGN).wanted == follow(finished[:18], FAMILIES, limited, DESIGN).wanted


def _key(trial):
    return trial.user_attrs["ratio"], trial.user_attrs["seed"]


def test_only_time_in_which_something_is_trained_counts():
    trials = [training("x", seed, 5.0, *span) for seed, span in enumerate([(0, 2), (1, 3), (1.5, 2), (10, 11)])]
    assert busy_hours(trials) == pytest.approx(4)
    assert busy_hours([]) == 0


def test_a_single_look_needs_all_seeds_of_all_ratios(tmp_path):
    asked = settings(tmp_path, confirm_seeds=4)
    course = follow([], FAMILIES, asked, SequentialDesign.up_to(4))
    assert len(course.wanted) == 6 * 4
    done = follow([training(*key, _error(*key)) for key in course.wanted], FAMILIES, asked, course.design)
    assert done.is_over
    assert np.concatenate([standing.p for standing in done.standings]).tolist() == [1] * 5  # too few to decide
