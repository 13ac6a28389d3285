"""One seed gives one run, wherever and with however many workers it is repeated."""

from pathlib import Path

import pytest

from run import main
from tests.runs import POSES, assert_same_weights, fit, history, mlflow_run


def test_one_seed_gives_one_run_and_another_seed_another(trained_run, faces, model_file, tmp_path):
    again = fit(faces, model_file, tmp_path, f"--data.test.root={faces}", *POSES)
    assert history(again) == history(trained_run)
    assert_same_weights(again, trained_run)
    other = fit(faces, model_file, tmp_path, f"--data.test.root={faces}", *POSES, "--seed_everything=1")
    assert history(other)["train/loss", 5] != history(trained_run)["train/loss", 5]


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_workers_do_not_change_a_run(workers, trained_run, faces, model_file, tmp_path):
    other = fit(faces, model_file, tmp_path, f"--data.test.root={faces}", *POSES, f"--data.num_workers={workers}")
    assert history(other) == history(trained_run)
    assert_same_weights(other, trained_run)


def test_a_runs_own_config_repeats_it_from_anywhere(trained_run, tmp_path, monkeypatch):
    artifacts = Path(mlflow_run(trained_run).info.artifact_uri.removeprefix("file://"))
    monkeypatch.chdir(tmp_path)
    result = main(["fit", "--config", str(artifacts / "config.yaml"), f"--tracking.folder={tmp_path}"])
    assert history(result.folder) == history(trained_run)
    assert_same_weights(result.folder, trained_run)
