"""A fit that goes on, and one that branches, after their folder of tracking was moved."""

import shutil

import pytest
from mlflow.tracking import MlflowClient
from mlflow.tracking._tracking_service import utils as mlflow_tracking

from lightning_module.tracking.journal import Journal
from lightning_module.tracking.run_folder import RunFolder
from run import main
from tests.runs import fit


@pytest.mark.slow
def test_a_fit_goes_on_and_branches_where_its_folder_was_moved_to(
    faces, model_file, tmp_path, empty_store, monkeypatch, capsys
):
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    before, after = tmp_path / "before", tmp_path / "no. 2?"
    before.mkdir()
    shutil.copy(empty_store, before / "mlflow.db")
    first = fit(
        faces, model_file, before, "--trainer.max_epochs=1", "--test_at_end=false", "--tracking.keep_epochs=[1]"
    )
    shutil.move(before, after)
    mlflow_tracking._artifact_repos_cache.clear()  # which another process does not share
    moved = RunFolder(after / "runs" / first.key)
    again = main(["fit", f"--ckpt_path={moved.last_checkpoint}", "--trainer.max_epochs=2"]).folder
    branch = main(["fit", f"--branch_from={moved.epoch_checkpoint(1)}", "--trainer.max_epochs=2"]).folder
    assert again == moved
    assert branch.path.parent == after / "runs"
    client = MlflowClient(Journal(moved).delivery.uri)
    runs = client.search_runs([client.get_experiment_by_name("weightmask").experiment_id])
    assert {run.data.tags["weightmask.key"] for run in runs} == {first.key, branch.key}
    assert {run.info.status for run in runs} == {"FINISHED"}
    assert all((after / "artifacts" / run.info.run_id / "artifacts" / "config.yaml").is_file() for run in runs)
    assert not before.exists()
    assert {path.name for path in tmp_path.iterdir()} == {"no. 2?", "cache"}
    assert f"python run.py ui --tracking.folder '{after}'" in capsys.readouterr().out
