"""What takes minutes: learning by heart, being killed, two processes, a picture of two ratios."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from benchmarks import table2
from run import main
from tests.runs import TINY, fit_arguments, history

PROJECT = Path(__file__).resolve().parents[1]
pytestmark = pytest.mark.slow


def test_ten_real_faces_are_learnt_by_heart(real, tmp_path):
    torch.set_num_threads(2)
    root = real / "aflw2000"
    result = main(["fit", "--config", str(PROJECT / "conf" / "overfit.yaml"), f"--data.root={root}", f"--data.test_root={root}",
                   f"--data.morphable_model={real / 'bfm' / 'BFM.mat'}", f"--tracking.folder={tmp_path}",
                   "--trainer.enable_progress_bar=false", "--trainer.enable_model_summary=false"])  # fmt: skip
    torch.set_num_threads(1)
    report = result.reports["test"]["nme"]
    assert report.counts == {"yaw_00_30": 7, "yaw_30_60": 2, "yaw_60_90": 1}
    assert max(report.by_bin.values()) < 3


def test_two_processes_train_and_report_every_face_once(faces, model_file, tmp_path):
    options = ["--trainer.devices=2", "--trainer.strategy=ddp", f"--data.test_root={faces}", "--data.batch_size=2"]
    command = [sys.executable, str(PROJECT / "run.py"), *fit_arguments(faces, model_file, tmp_path, *options)]
    subprocess.run(command, check=True, timeout=300, cwd=tmp_path)
    from lightning_module.reporting.run_folder import RunFolder

    (folder,) = (tmp_path / "runs").iterdir()
    figures = history(RunFolder(folder))
    counts = {name: value for (name, _), value in figures.items() if name.startswith("test/faces/")}
    assert counts == {"test/faces/yaw_00_30": 6, "test/faces/yaw_30_60": 3, "test/faces/yaw_60_90": 3}


def test_table_2_is_a_table_and_a_picture(faces, model_file, tmp_path, capsys):
    options = [*TINY, f"--data.root={faces}", f"--data.test_root={faces}", f"--data.morphable_model={model_file}",
               f"--tracking.folder={tmp_path}", "--trainer.max_epochs=1"]  # fmt: skip
    reports = table2.compare([0, 1], tmp_path / "table2.png", options)
    assert [len(runs) for runs in reports.values()] == [2, 2]
    assert (tmp_path / "table2.png").stat().st_size > 10_000
    assert "r2 - r1, paired" in capsys.readouterr().out
