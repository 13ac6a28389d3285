"""What a confirmation trains, and what a sweep says in the end."""

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from mlflow.tracking import MlflowClient

from datamodules.errors import InputError
from lightning_module.evaluation.nme import YAW_BINS
from lightning_module.evaluation.score import Score
from run import main
from sweeps.confirmation import candidates, confirmation
from sweeps.storage import open_storage, search_study
from sweeps.sweep_figures import sweep_figures
from sweeps.sweep_markdown import as_markdown
from sweeps.sweep_report import make_report
from sweeps.sweep_results import log_summary, write_results
from sweeps.training import TrainingResult
from sweeps.worker_process import stage_queue, work
from tests.pictures import drawn
from tests.sweeps.stubs import DATA, formula, settings

PROJECT = Path(__file__).resolve().parents[2]


def _sweep(asked, fit=formula):
    work("search", asked, fit)
    if asked.confirm_seeds:
        work("confirm", asked, fit)
    storage = open_storage(asked.storage)
    trials = stage_queue("search", asked, storage).finished()
    found = None
    if asked.confirm_seeds:
        found = confirmation(stage_queue("confirm", asked, storage).finished(), candidates(trials, asked), asked)
    return make_report(asked, search_study(asked, storage), trials, found)


def test_a_better_ratio_is_found_and_confirmed(tmp_path):
    report = _sweep(settings(tmp_path, n_trials=12, confirm_ratios=2, confirm_seeds=7))
    assert [verdict.outcome for verdict in report.verdicts] == ["better", "better"]
    assert report.headline == f"Better than 16-5-4-3-0 on formula: {', '.join(v.ratio for v in report.verdicts)}."
    assert {verdict.outcome for verdict in report.known_verdicts} == {"worse"}  # 3 and 4 lie further from 20
    errors = report.confirmation.errors
    assert len(errors) == 5
    assert {found.shape for found in errors.values()} == {(3, 30)}  # so clear that the first look decides
    assert report.verdicts[0].ending == "decided after 3 of at most 7 seeds, look 1 of 5"
    text = as_markdown(report)
    assert text.startswith("# Sweep stub\n\nBetter than 16-5-4-3-0")
    assert "--n_trials 12" in text
    assert "30 test faces of **formula**" in text


def test_nothing_is_better_where_ratios_make_no_difference(tmp_path):
    def fit(request):
        luck = np.random.default_rng([request.seed, round(request.weights.by_name["mouth"] * 1000)]).normal(0, 0.3)
        request.on_validation({"nme": dict.fromkeys(YAW_BINS, 5 + luck)})
        known = formula(request)
        return TrainingResult(
            "x", False, DATA, replace(known.test, errors=5 + luck + np.zeros(30)) if known.test else None
        )

    report = _sweep(settings(tmp_path, n_trials=8, confirm_ratios=2, confirm_seeds=8), fit)
    assert {verdict.outcome for verdict in report.verdicts} == {"not distinguishable"}
    assert report.headline == "No ratio that the search found could be shown to be better than 16-5-4-3-0 on formula."
    write_results(report)
    best = (tmp_path / "sweeps" / "stub" / "best.yaml").read_text()
    assert best.startswith("# No ratio")
    assert yaml.safe_load(best)["model"]["weights"]["landmarks"] == 16


def test_a_sweep_without_confirmation_claims_nothing(tmp_path):
    report = _sweep(settings(tmp_path, confirm_seeds=0))
    assert report.verdicts == []
    assert "Nothing is confirmed" in as_markdown(report)
    assert "confirmation" not in sweep_figures(report)


def test_candidates_are_the_best_that_were_not_known_before(tmp_path):
    asked = settings(tmp_path, n_trials=12, confirm_ratios=3)
    work("search", asked, formula)
    trials = stage_queue("search", asked, open_storage(asked.storage)).finished()
    chosen = candidates(trials, asked)
    values = {trial.user_attrs["ratio"]: trial.value for trial in trials[3:]}
    assert [weights.ratio for weights in chosen] == sorted(values, key=values.get)[:3]
    queue = stage_queue("confirm", asked, open_storage(asked.storage))
    assert queue.total == 6 * 3  # ratios and seeds of the first look


def test_with_two_scores_the_pareto_front_is_confirmed(tmp_path):
    def fit(request):  # what is good in the mean is bad in the worst bin
        side = np.log(request.weights.by_name["mouth"])
        request.on_validation({"nme": {"yaw_00_30": 5 - 2 * side, "yaw_30_60": 5.0, "yaw_60_90": 20 + side}})
        return TrainingResult("x", False, DATA, None)

    asked = settings(tmp_path, n_trials=10, scores=(Score("nme", "mean"), Score("nme", "worst")), confirm_ratios=2)
    work("search", asked, fit)
    trials = stage_queue("search", asked, open_storage(asked.storage)).finished()
    assert len(candidates(trials, asked)) == 2


def test_the_score_decides_what_is_compared(tmp_path):
    few = {"n_trials": 4, "confirm_seeds": 3}
    mean, worst = (_sweep(settings(tmp_path / x, scores=(Score("nme", x),), **few)) for x in ("mean", "worst"))
    assert "| worst bin " in as_markdown(worst)
    assert "| mean of bins " in as_markdown(mean)
    assert mean.verdicts[0].interval != worst.verdicts[0].interval


def test_with_two_scores_the_first_is_confirmed(tmp_path):
    scores = (Score("nme", "worst"), Score("nme", "mean"))
    text = as_markdown(_sweep(settings(tmp_path, scores=scores, n_trials=4, confirm_seeds=2)))
    assert "of the two scores, nme:worst is tested" in text
    assert "--score nme:worst nme:mean" in text


def test_tests_on_other_faces_do_not_compare(tmp_path):
    def fit(request):
        known = formula(request)
        return TrainingResult(
            "x", False, DATA, replace(known.test, fingerprint=str(request.seed)) if known.test else None
        )

    with pytest.raises(InputError, match="was tested on other faces"):
        _sweep(settings(tmp_path, n_trials=4, confirm_seeds=2), fit)


def test_without_test_data_nothing_can_be_confirmed(tmp_path):
    def fit(request):
        return replace(formula(request), fingerprints={"data": "d", "morphable_model": "m"})

    with pytest.raises(InputError, match=r"sets no test data.*--confirm_seeds 0"):
        _sweep(settings(tmp_path), fit)


@pytest.mark.slow
def test_a_summary_run_tells_the_verdict_and_best_yaml_is_a_fits(tmp_path, empty_store, capsys):
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    report = _sweep(settings(tmp_path, n_trials=12, confirm_seeds=6))
    with drawn():
        log_summary(report)
    client = MlflowClient(report.settings.tracking_uri)
    experiment = client.get_experiment_by_name("stub")
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.info.status == "FINISHED"
    assert run.data.tags["stage"] == "summary"
    assert run.data.tags["mlflow.note.content"].startswith("# Sweep stub")
    names = {Path(item.path).name for item in client.list_artifacts(run.info.run_id, "sweep")}
    assert names == {
        "verdict.md",
        "best.yaml",
        "effects.png",
        "history.png",
        "importance.png",
        "parallel.png",
        "weights.png",
        "confirmation.png",
        "looks.png",
    }
    best = tmp_path / "sweeps" / "stub" / "best.yaml"
    capsys.readouterr()
    with pytest.raises(SystemExit):
        main(["fit", "--config", str(best), "--print_config"])
    weights = yaml.safe_load(capsys.readouterr().out)["model"]["weights"]
    assert weights == pytest.approx(report.best[1]["weights"])
    assert weights["eyes_nose"] != 5


def test_the_help_of_a_sweep_loads_no_network_library():
    code = "import sys, run\ntry: run.main(['sweep', '--help'])\nexcept SystemExit: pass\nprint(sorted({'torch', 'optuna', 'mlflow', 'pytorch_lightning'} & set(sys.modules)))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PROJECT)
    assert "--confirm_seeds" in said.stdout
    assert said.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--score=best"], "--score best: give <protocol>:<reduction>"),
        (["--score=nme:mean", "--score=nme:mean"], "two different ones"),
        (["--pruner=hyperband"], "pruner"),
        (["--sampler=best"], "sampler"),
        (["--n_trials=0"], "--n_trials is 0: give at least 1"),
        (["--workers=0"], "--workers is 0: give at least 1"),
        (["--study=it's"], r"--study \"it's\": give letters"),
        (["--study=a/confirmation"], "--study 'a/confirmation'"),
        (["--confirm_seeds=1"], "cannot show a difference"),
        (["--storage=mysql://u@127.0.0.1/x"], "its driver is missing.*pip install -e .*postgres"),
        (["--confirm_seeds=-1"], "--confirm_seeds is -1"),
        (["--hours=0"], "--hours is 0: give more than 0"),
        (["--pruner=wilcoxon"], "--search_seeds of at least 2"),
        (["--config=nowhere.yaml"], "there is no such file. Set --config"),
        (["--space.ranges.landmarks=[0, 10]"], r"--space.ranges.landmarks is \[0, 10\]: give two numbers above 0"),
        (["--space.ranges.mouth=[-3, 10]"], "--space.ranges.mouth"),
        (["--storage=postgresql://nobody:secret@127.0.0.1:1/none"], r"nobody:\*\*\*@127.0.0.1.*cannot be used"),
        (["--storage=nonsense"], "--storage nonsense: cannot be used"),
        (["--storage=sqlite://"], "in memory"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(tmp_path, options, message):
    with pytest.raises(InputError, match=message) as caught:
        main(["sweep", f"--folder={tmp_path / 'runs'}", *options])
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)
    assert not (tmp_path / "runs" / "optuna.db").exists()


@pytest.mark.parametrize("uri", ["nonsense://x", "sqlite:////proc/x/y.db", "http://127.0.0.1:1"])
def test_a_tracking_store_that_is_none_is_refused_before_anything_is_trained(tmp_path, uri):
    with pytest.raises(InputError, match=f"{uri}: cannot be used to track runs .*--tracking_uri") as caught:
        main(["sweep", f"--folder={tmp_path / 'runs'}", f"--tracking_uri={uri}"])
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "runs" / "runs").exists()


def test_a_file_that_is_no_database_is_left_alone(tmp_path):
    taken = tmp_path / "letters.txt"
    taken.write_text("dear all" * 200)
    with pytest.raises(InputError, match="cannot be used"):
        main(["sweep", f"--storage=sqlite:///{taken}", f"--folder={tmp_path / 'runs'}"])
    assert taken.read_text() == "dear all" * 200
