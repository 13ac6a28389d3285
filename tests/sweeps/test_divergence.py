"""Trainings that diverge end neither a search nor a confirmation."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
from optuna.trial import TrialState

from datamodules.errors import DivergedError
from lightning_module.evaluation.nme import YAW_BINS
from sweeps.confirmation import candidates, confirmation
from sweeps.storage import open_storage, search_study
from sweeps.sweep_figures import sweep_figures
from sweeps.sweep_markdown import as_markdown
from sweeps.sweep_report import make_report
from sweeps.training import TrainingResult, train
from sweeps.worker_process import stage_queue, work
from tests.pictures import drawn
from tests.runs import TINY, write_config
from tests.sweeps.stubs import DATA, finished_search, formula, settings

EQUAL = "3-3-3-3-0"


def _nan_validation(request):
    request.on_validation({"nme": dict.fromkeys(YAW_BINS, float("nan"))})
    return TrainingResult("x", False, DATA, None)


def _raises(request):
    raise DivergedError("position maps hold numbers that are not finite")


def _raises_after_nan(request):
    request.on_validation({"nme": dict.fromkeys(YAW_BINS, float("inf"))})
    raise FloatingPointError("overflow")


def _infinite_test(request):
    result = formula(request)
    test = None if result.test is None else replace(result.test, errors=np.full(30, np.inf))
    return replace(result, test=test)


@pytest.mark.parametrize("diverge", [_nan_validation, _raises_after_nan])
def test_a_ratio_that_diverges_is_a_pruned_trial_of_the_search(tmp_path, diverge):
    asked = settings(tmp_path, n_trials=4, pruner="median")
    trials = finished_search(asked, lambda request: (diverge if request.weights.ratio == EQUAL else formula)(request))
    assert [trial.state for trial in trials] == [TrialState.COMPLETE, TrialState.PRUNED, *[TrialState.COMPLETE] * 2]
    assert trials[1].user_attrs["diverged"] == 0
    assert EQUAL not in {weights.ratio for weights in candidates(trials, asked)}
    report = make_report(asked, search_study(asked, open_storage(asked.storage)), trials, None)
    text = as_markdown(report)
    assert "4 trials (0 ended early, 1 diverged)" in text
    assert f"- {EQUAL}: training diverged (seed 0)" in text
    with drawn():
        sweep_figures(report)


def test_a_ratio_that_diverges_in_the_confirmation_is_named_in_the_verdict(tmp_path):
    asked = settings(tmp_path, n_trials=4, confirm_seeds=7)
    trials = finished_search(asked)

    def fit(request):
        return (_infinite_test if (request.weights.ratio, request.seed) == (EQUAL, 1001) else formula)(request)

    work("confirm", asked, fit)
    storage = open_storage(asked.storage)
    queue = stage_queue("confirm", asked, storage)
    tested = queue.finished()
    assert queue.is_done()
    assert queue.total == len(tested)
    found = confirmation(tested, candidates(trials, asked), asked)
    report = make_report(asked, search_study(asked, storage), trials, found)
    assert report.headline.endswith(f" {EQUAL}: training diverged (seed 1001).")
    assert [verdict.outcome for verdict in report.known_verdicts] == ["diverged", "worse"]
    with drawn():
        assert "looks" in sweep_figures(report)


def test_a_reference_that_diverges_leaves_a_report(tmp_path):
    asked = settings(tmp_path, n_trials=4, confirm_seeds=7)
    trials = finished_search(asked)
    work("confirm", asked, _raises)
    storage = open_storage(asked.storage)
    tested = stage_queue("confirm", asked, storage).finished()
    found = confirmation(tested, candidates(trials, asked), asked)
    report = make_report(asked, search_study(asked, storage), trials, found)
    assert report.headline.startswith(
        "Nothing could be compared with 16-5-4-3-0. 16-5-4-3-0: training diverged (seed 1000)"
    )
    assert "could not be compared with" in as_markdown(report)
    assert "confirmation" not in sweep_figures(report)


def test_a_fault_that_is_no_divergence_is_one(tmp_path):
    asked = settings(tmp_path, n_trials=2)
    calls = []

    def fit(request):
        calls.append(request)
        if len(calls) == 1:
            raise RuntimeError("out of memory")
        return formula(request)

    assert {trial.state for trial in finished_search(asked, fit)} == {TrialState.COMPLETE}
    assert len(calls) == 3


@pytest.mark.slow
def test_a_real_fit_that_diverges_is_noticed(tmp_path, faces, model_file, empty_store):
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    write_config(
        tmp_path / "trial.yaml",
        *TINY,
        f"--data.root={faces}",
        f"--data.face_model.path={model_file}",
        f"--data.test.root={faces}",
        "--model.lr=1.0e30",
    )
    (trial,) = finished_search(settings(tmp_path, n_trials=1, confirm_seeds=0), train)
    assert trial.state == TrialState.PRUNED
    assert trial.user_attrs["diverged"] == 0
