"""What a search tries, and what it makes of it."""

import errno

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState

from datamodules.errors import InputError
from datamodules.geometry.regions import five_regions
from lightning_module.evaluation.nme import YAW_BINS
from lightning_module.evaluation.score import Score
from sweeps.search_space import SearchSpace
from sweeps.storage import open_storage, search_study
from sweeps.training import TrainingResult
from sweeps.worker_process import work
from tests.sweeps.stubs import DATA, finished_search, formula, settings

MEAN, WORST = (Score("nme", "mean"),), (Score("nme", "worst"),)
BOTH = MEAN + WORST


def test_the_known_ratios_come_first_and_then_the_samplers(tmp_path):
    trials = finished_search(settings(tmp_path, n_trials=8))
    assert [trial.user_attrs["ratio"] for trial in trials[:3]] == ["16-5-4-3-0", "3-3-3-3-0", "16-4-4-3-0"]
    assert len({trial.user_attrs["ratio"] for trial in trials}) == 8
    for trial in trials:
        assert set(trial.user_attrs["by_bin"]) == {"yaw_00_30", "yaw_30_60", "yaw_60_90"}
        assert trial.value == pytest.approx(np.mean(list(trial.user_attrs["by_bin"].values())))


def test_a_search_of_one_trial_tries_the_papers_ratio(tmp_path):
    (trial,) = finished_search(settings(tmp_path, n_trials=1))
    assert trial.user_attrs["ratio"] == "16-5-4-3-0"


def test_all_fits_of_a_search_share_their_seeds_and_none_is_tested(tmp_path):
    requests = []

    def fit(request):
        requests.append(request)
        return formula(request)

    finished_search(settings(tmp_path, n_trials=3, seed=5, search_seeds=2), fit)
    assert [request.seed for request in requests] == [5, 6] * 3
    assert not any(request.is_tested for request in requests)
    assert requests[2].tags == {"sweep": "stub", "stage": "search", "trial": "1"}
    assert not set(settings(tmp_path, seed=5, search_seeds=2).seeds_of_confirmation) & {5, 6}


def test_a_fits_value_is_that_of_the_network_it_keeps(tmp_path):
    def fit(request):
        for mean in (5.0, 4.0, 4.5):
            request.on_validation({"nme": {"yaw_00_30": mean - 1, "yaw_30_60": mean, "yaw_60_90": mean + 1}})
        return TrainingResult("x", False, DATA, None)

    assert finished_search(settings(tmp_path / "a", n_trials=1), fit)[0].value == pytest.approx(4)
    assert finished_search(settings(tmp_path / "b", n_trials=1, scores=WORST), fit)[0].value == pytest.approx(5)
    assert finished_search(settings(tmp_path / "c", n_trials=1, scores=BOTH), fit)[0].values == pytest.approx([4, 5])


def test_an_empty_bin_does_not_count(tmp_path):
    by_bin = {"yaw_00_30": 2.0, "yaw_30_60": 4.0, "yaw_60_90": float("nan")}
    assert settings(tmp_path, scores=BOTH).values({"nme": by_bin}) == (3, 4)


@pytest.mark.parametrize("scores", [(), MEAN * 2, (*BOTH, Score("nme_mouth", "mean"))])
def test_a_sweep_has_one_score_or_two_different_ones(tmp_path, scores):
    with pytest.raises(InputError, match="give one score, or two different ones"):
        settings(tmp_path, scores=scores)


def test_a_score_that_no_validation_measures_ends_the_search(tmp_path):
    with pytest.raises(InputError, match=r"--score nme_jaw:mean: validation does not measure nme_jaw. Give one of nme"):
        work("search", settings(tmp_path, scores=(Score("nme_jaw", "mean"),)), formula)


@pytest.mark.parametrize("sampler", ["tpe", "gp", "random"])
def test_a_search_from_one_seed_repeats_itself_also_when_it_is_cut_in_two(tmp_path, sampler):
    whole = finished_search(settings(tmp_path / "whole", n_trials=10, sampler=sampler))
    finished_search(settings(tmp_path / "cut", n_trials=5, sampler=sampler))
    cut = finished_search(settings(tmp_path / "cut", n_trials=10, sampler=sampler))
    assert [trial.params for trial in whole] == [trial.params for trial in cut]
    assert len({str(trial.params) for trial in whole}) == 10
    other = finished_search(settings(tmp_path / "other", n_trials=10, sampler=sampler, seed=1))
    assert [trial.params for trial in whole[3:]] != [trial.params for trial in other[3:]]


def test_a_search_finds_where_the_formula_is_least(tmp_path):
    best = min(finished_search(settings(tmp_path, n_trials=24)), key=lambda trial: trial.value)
    assert 7 < best.user_attrs["weights"]["eyes_nose"] < 60


def test_hopeless_trials_are_ended_early_and_count(tmp_path):
    epochs = []

    def fit(request):
        epochs.append(0)
        bad = len(epochs)  # each is worse than all before
        for _ in range(3):
            epochs[-1] += 1
            if not request.on_validation({"nme": dict.fromkeys(YAW_BINS, float(bad))}):
                break
        return TrainingResult("x", epochs[-1] < 3, DATA, None)

    trials = finished_search(settings(tmp_path, n_trials=12, pruner="median"), fit)
    assert [trial.state for trial in trials] == [TrialState.COMPLETE] * 8 + [TrialState.PRUNED] * 4
    assert epochs == [3] * 8 + [1] * 4


def test_with_two_scores_nothing_is_ended_early(tmp_path):
    asked = settings(tmp_path, n_trials=12, pruner="median", scores=BOTH)
    assert not asked.prunes
    assert {trial.state for trial in finished_search(asked)} == {TrialState.COMPLETE}


@pytest.mark.parametrize("pruner", ["median", "wilcoxon"])
def test_with_several_seeds_a_ratio_is_ended_between_them(tmp_path, pruner):
    fits = []

    def fit(request):
        fits.append(request.weights.ratio)
        bad = len(set(fits)) / 10 + request.seed  # seeds differ by more than ratios do
        request.on_validation({"nme": dict.fromkeys(YAW_BINS, bad)})
        return TrainingResult("x", False, DATA, None)

    trials = finished_search(settings(tmp_path, n_trials=10, pruner=pruner, search_seeds=6), fit)
    ended = [trial for trial in trials if trial.state == TrialState.PRUNED]
    assert ended
    assert all(len(trial.user_attrs["runs"]) < 6 for trial in ended)
    assert len(fits) < 60


def test_a_training_that_comes_to_nothing_fails_and_others_go_on(tmp_path):
    calls = []

    def fit(request):
        calls.append(request)
        return TrainingResult("x", False, DATA, None) if len(calls) == 2 else formula(request)

    asked = settings(tmp_path, n_trials=4)
    assert len(finished_search(asked, fit)) == 4
    failed = [
        trial
        for trial in search_study(asked, open_storage(asked.storage)).get_trials()
        if trial.state == TrialState.FAIL
    ]
    assert len(failed) == 1
    assert "no validation with an NME" in failed[0].user_attrs["error"]


def test_a_fit_that_never_works_ends_the_search(tmp_path, capsys):
    def fit(_):
        raise RuntimeError("no memory")

    with pytest.raises(InputError, match="3 trials in a row failed, the last with: no memory"):
        work("search", settings(tmp_path), fit)

    def full_disk(_):
        raise OSError(errno.ENOSPC, "No space left on device", "/runs/last.ckpt")

    capsys.readouterr()
    with pytest.raises(InputError, match=r"the last with: /runs/last.ckpt: cannot be .*Make room"):
        work("search", settings(tmp_path / "full"), full_disk)
    assert "Traceback" not in capsys.readouterr().err

    def refused(_):
        raise InputError("there is no such file")

    with pytest.raises(InputError, match="no such file"):
        work("search", settings(tmp_path / "other"), refused)


def test_what_a_worker_found_after_it_was_taken_for_dead_does_not_count(tmp_path, capsys):
    asked = settings(tmp_path, n_trials=1)
    calls = []

    def fit(request):
        calls.append(request)
        if len(calls) == 1:
            storage = open_storage(asked.storage)
            storage.set_trial_state_values(1, TrialState.FAIL)  # by another machine
        return formula(request)

    trials = finished_search(asked, fit)
    assert len(calls) == 2
    assert [trial.number for trial in trials] == [1]


def without_mouth():
    """A table of regions of a stranger's."""
    return tuple(region for region in five_regions() if region.name != "mouth")


def test_a_search_varies_the_regions_that_its_configuration_names(tmp_path):
    asked = settings(tmp_path)
    asked.config.write_text("data: {regions: tests.sweeps.test_search.without_mouth}\n")
    trials = finished_search(asked)
    assert [trial.user_attrs["ratio"] for trial in trials[:3]] == ["16-5-3-0", "3-3-3-0", "16-4-3-0"]
    assert all("mouth" not in trial.user_attrs["weights"] for trial in trials)
    asked.config.write_text("data: {regions: somewhere.else}\n")
    with pytest.raises(
        InputError, match=r"data.regions somewhere.else cannot be imported .*Give the path of a function"
    ):
        settings(tmp_path).regions  # noqa: B018


def test_known_ratios_outside_the_space_are_left_out(tmp_path):
    trials = finished_search(settings(tmp_path, n_trials=4, space=SearchSpace(ranges={"landmarks": (10.0, 100.0)})))
    assert [trial.user_attrs["ratio"] for trial in trials[:2]] == ["16-5-4-3-0", "16-4-4-3-0"]
    assert all(10 <= trial.user_attrs["weights"]["landmarks"] <= 100 for trial in trials)


def test_a_search_is_not_judged_on_what_it_searched_with(tmp_path):
    asked = settings(tmp_path)
    asked.config.write_text("data: {root: /lp, test: {root: /lp, holdout: true}}\n")
    with pytest.raises(InputError, match="tests on the validation faces"):
        search_study(asked, open_storage(asked.storage))


def test_optuna_proposes_no_ratio_twice_to_two_workers():
    from sweeps.samplers import make_sampler

    proposed = set()
    for trial in range(20):
        study = optuna.create_study(sampler=make_sampler("random", 0, trial))
        proposed.add(study.ask().suggest_float("x", 0, 1))
    assert len(proposed) == 20
