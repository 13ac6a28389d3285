"""Comparisons where the folder of runs was moved, or something of a run is gone or damaged."""

import shutil

import pytest

from datamodules.errors import InputError
from lightning_module.tracking.run_folder import run_folders
from run import main
from tests.test_compare import _evaluate


@pytest.fixture
def folder(tmp_path, empty_store, monkeypatch):
    """Two evaluations in a folder of tracking with a database of its own, which was moved since."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    (tmp_path / "before").mkdir()
    shutil.copy(empty_store, tmp_path / "before" / "mlflow.db")
    for name, noise in (("rough", 4), ("fine", 2)):
        _evaluate(tmp_path / "before", name, noise)
    shutil.move(tmp_path / "before", tmp_path / "after")
    return tmp_path / "after"


def _compared(folder, *more):
    (comparison,) = main(["compare", *more, "--no_log", f"--tracking.folder={folder}", f"--out={folder / 'out'}"])
    return [row.name for row in comparison.rows]


def test_runs_are_compared_after_their_folder_was_moved_without_artifacts_and_without_one_that_is_damaged(
    folder, caplog
):
    shutil.move(folder / "runs", folder / "away")
    assert _compared(folder) == ["rough", "fine"]  # from MLflow's artifacts
    shutil.move(folder / "away", folder / "runs")
    shutil.rmtree(folder / "artifacts")
    assert _compared(folder) == ["rough", "fine"]  # from the folders of the runs
    fine, rough = sorted(run_folders(folder / "runs"), key=lambda run: "rough" in run.key)
    for path in (fine.path / "evaluation").iterdir():
        path.write_bytes(b"")  # as a power cut may leave them
    assert _compared(folder) == ["rough"]
    assert "Left out: " in caplog.text
    assert str(fine.path / "evaluation") in caplog.text
    with pytest.raises(InputError, match="is no record of an evaluation"):
        _compared(folder, "fine")
    shutil.rmtree(rough.path)
    with pytest.raises(InputError, match="was ever tested"):
        _compared(folder)
