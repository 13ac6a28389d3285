"""What takes minutes: learning by heart, being killed, two processes, a picture of two ratios."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from benchmarks import table2
from run import main
from tests.pictures import drawn
from tests.runs import TINY, fit_arguments, history

PROJECT = Path(__file__).resolve().parents[1]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def bare_fit(tmp_path_factory):
    """What `python run.py fit` makes, with nothing said but where to keep it."""
    folder = tmp_path_factory.mktemp("bare")
    torch.set_num_threads(2)
    try:
        return main(
            [
                "fit",
                f"--tracking.folder={folder}",
                f"--data.index.cache_dir={folder / 'cache'}",
                "--trainer.enable_progress_bar=false",
                "--trainer.enable_model_summary=false",
            ]
        )
    finally:
        torch.set_num_threads(1)


def test_a_bare_fit_knows_new_people(bare_fit):
    report, mean_map = (bare_fit.reports["test"][name] for name in ("nme", "nme_mean_map"))
    print("synthetic test faces, NME %:", report.by_bin, "mean", report.mean_of_bins, "mean map", mean_map.mean_of_bins)
    assert report.mean_of_bins <= 5
    assert max(report.by_bin.values()) <= 6
    assert mean_map.mean_of_bins >= 20


def test_a_bare_fit_finds_real_faces(bare_fit, real, tmp_path):
    result = main(
        [
            "test",
            f"--ckpt_path={bare_fit.folder.best_checkpoint}",
            f"--data.test.root={real / 'aflw2000'}",
            f"--data.face_model.path={real / 'bfm' / 'BFM.mat'}",
            f"--tracking.folder={tmp_path}",
            "--trainer.enable_progress_bar=false",
        ]
    )
    report = result.reports["test"]["nme"]
    print("ten real faces, NME %:", report.by_bin, report.counts, "mean of faces", report.mean_of_faces)
    assert report.mean_of_faces <= 9


@pytest.mark.evidence
def test_ten_real_faces_are_learnt_by_heart(real, tmp_path):
    torch.set_num_threads(2)
    root = real / "aflw2000"
    result = main(
        [
            "fit",
            "--config",
            str(PROJECT / "conf" / "overfit.yaml"),
            f"--data.root={root}",
            f"--data.test.root={root}",
            f"--data.face_model.path={real / 'bfm' / 'BFM.mat'}",
            f"--tracking.folder={tmp_path}",
            "--trainer.enable_progress_bar=false",
            "--trainer.enable_model_summary=false",
        ]
    )
    torch.set_num_threads(1)
    report = result.reports["test"]["nme"]
    assert report.counts == {"yaw_00_30": 7, "yaw_30_60": 2, "yaw_60_90": 1}
    assert max(report.by_bin.values()) < 3


def test_two_processes_train_and_report_every_face_once(faces, model_file, tmp_path):
    options = ["--trainer.devices=2", "--trainer.strategy=ddp", f"--data.test.root={faces}", "--data.batch_size=2"]
    command = [sys.executable, str(PROJECT / "run.py"), *fit_arguments(faces, model_file, tmp_path, *options)]
    subprocess.run(command, check=True, timeout=300, cwd=tmp_path)
    from lightning_module.tracking.run_folder import RunFolder

    (folder,) = (tmp_path / "runs").iterdir()
    figures = history(RunFolder(folder))
    counts = {name: value for (name, _), value in figures.items() if name.startswith("test/faces/yaw_")}
    assert counts == {"test/faces/yaw_00_30": 6, "test/faces/yaw_30_60": 3, "test/faces/yaw_60_90": 3}


def test_table_2_is_a_table_and_a_picture(faces, model_file, tmp_path, capsys):
    options = [
        *TINY,
        f"--data.root={faces}",
        f"--data.test.root={faces}",
        f"--data.face_model.path={model_file}",
        f"--tracking.folder={tmp_path}",
        "--trainer.max_epochs=1",
    ]
    with drawn():
        reports = table2.compare_ratios([0, 1], tmp_path / "table2.png", options)
    assert [len(runs) for runs in reports.values()] == [2, 2]
    assert (tmp_path / "table2.png").stat().st_size > 10_000
    assert "r2 - r1, paired" in capsys.readouterr().out
