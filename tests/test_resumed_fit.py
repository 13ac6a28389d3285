"""A fit that was stopped continues as if it had not been."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
from pytorch_lightning import Callback

from datamodules.errors import InputError
from datamodules.files.bfm import write_morphable_model
from datamodules.lost_workers import INTERRUPTED, STOPPED
from lightning_module.callbacks.last_checkpoint import LastCheckpoint
from lightning_module.checkpoint import state_digest
from lightning_module.cli import run_cli
from lightning_module.tracking.run_folder import RunFolder
from run import main
from tests.fakes import fake_model, write_model
from tests.runs import POSES, PROJECT, assert_same_weights, copied, fit, fit_arguments, history, mlflow_run

OPTIONS = ["--model.lr_halving_epochs=1", *POSES]


@pytest.fixture(scope="module")
def whole(faces, model_file, tmp_path_factory):
    """A fit that nothing stopped, in one process."""
    return fit(faces, model_file, tmp_path_factory.mktemp("whole"), *OPTIONS, "--trainer.max_epochs=4")


@pytest.mark.parametrize("workers", [0, 2])
def test_a_fit_that_goes_on_ends_where_an_uninterrupted_one_does(workers, whole, faces, model_file, tmp_path):
    options = [f"--data.num_workers={workers}", *OPTIONS]
    short = fit(faces, model_file, tmp_path / "parts", *options, "--trainer.max_epochs=2")
    run_id = mlflow_run(short).info.run_id
    where = [f"--data.root={faces}", f"--data.face_model.path={model_file}", f"--tracking.folder={tmp_path / 'parts'}"]
    main(["validate", f"--ckpt_path={short.last_checkpoint}", "--data.val_fraction=0.3", *where])  # is no fit
    rest = main(["fit", "--ckpt_path=last", where[2], "--trainer.max_epochs=4"]).folder
    assert rest == short
    assert mlflow_run(rest).info.run_id == run_id
    assert_same_weights(rest, whole)
    assert history(rest) == history(whole)


def test_a_fit_that_is_complete_says_that_nothing_is_trained(trained_run, tmp_path, caplog):
    run = copied(trained_run, tmp_path)
    main(["fit", f"--ckpt_path={run.last_checkpoint}", f"--tracking.folder={tmp_path}"])
    assert [
        m
        for m in caplog.messages
        if m == f"{run.last_checkpoint}: has trained all of its 2 epochs, so nothing was trained."
    ]
    assert_same_weights(run, trained_run)


def test_another_epoch_than_the_last_starts_a_run_of_its_own(trained_run, tmp_path):
    before = trained_run.last_checkpoint.read_bytes()
    result = main(
        [
            "fit",
            "--config",
            str(trained_run.config),
            f"--ckpt_path={trained_run.best_checkpoint}",
            f"--tracking.folder={tmp_path}",
            "--trainer.max_epochs=3",
        ]
    )
    assert result.folder != trained_run
    assert trained_run.last_checkpoint.read_bytes() == before


def test_going_on_with_another_face_model_is_refused(faces, tmp_path):
    model_file = write_model(tmp_path / "one")
    run = fit(faces, model_file, tmp_path / "mlruns", "--trainer.max_epochs=1")
    model = fake_model()
    write_morphable_model(replace(model, mean=model.mean * np.float32([1, 1.1, 1])), tmp_path / "BFM.mat")
    with pytest.raises(InputError, match="another face model"):
        main(
            [
                "fit",
                f"--ckpt_path={run.last_checkpoint}",
                f"--tracking.folder={tmp_path / 'mlruns'}",
                f"--data.face_model.path={tmp_path / 'BFM.mat'}",
            ]
        )
    assert mlflow_run(run).info.status == "FINISHED"  # as it was: nothing was trained


def test_a_checkpoint_is_kept_only_when_its_epochs_figures_are(faces, model_file, tmp_path, monkeypatch):
    known, keep = [], LastCheckpoint._keep

    def watched(self, trainer):
        if not self._is_kept:
            known.append(self._path.with_name("journal.jsonl").read_text().count('"train/loss"'))
        keep(self, trainer)

    monkeypatch.setattr(LastCheckpoint, "_keep", watched)
    fit(faces, model_file, tmp_path, "--trainer.max_epochs=3", "--tracking.checkpoint_seconds=0")
    assert known == [1, 2, 3]  # or a kill between the two would lose them


def _start(arguments, cwd):
    return subprocess.Popen(
        [sys.executable, str(PROJECT / "run.py"), *arguments],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def test_ctrl_c_says_how_the_fit_continues(faces, model_file, tmp_path, capsys):
    class Stop(Callback):
        def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
            if trainer.current_epoch == 1:
                raise KeyboardInterrupt

    with pytest.raises(SystemExit) as ended:
        run_cli(
            fit_arguments(faces, model_file, tmp_path, "--trainer.max_epochs=3", "--tracking.checkpoint_seconds=0"),
            [Stop()],
        )
    (last,) = tmp_path.glob("runs/*/last.ckpt")
    assert f"Stopped. Continue with python run.py fit --ckpt_path {last}" in capsys.readouterr().out
    assert ended.value.code == INTERRUPTED == 130


@pytest.mark.slow
def test_a_fit_whose_processes_are_all_stopped_by_a_scheduler_says_how_it_continues(faces, model_file, tmp_path):
    options = ["--trainer.max_epochs=500", "--data.num_workers=2", "--tracking.checkpoint_seconds=0"]
    process = _start(fit_arguments(faces, model_file, tmp_path, *options), tmp_path)
    while not list(tmp_path.glob("runs/*/last.ckpt")):
        assert process.poll() is None
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGTERM)
    output, _ = process.communicate()
    assert process.returncode == STOPPED == 143
    assert "Traceback" not in output
    assert "Stopped. Continue with python run.py fit --ckpt_path" in output
    (run,) = tmp_path.glob("runs/*")
    assert mlflow_run(RunFolder(run)).info.status == "KILLED"


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_killed_fit_goes_on_and_ends_in_the_same_weights(seed, faces, model_file, tmp_path):
    epochs = ["--trainer.max_epochs=60", "--data.num_workers=1", "--tracking.checkpoint_seconds=0"]
    epochs += ["--tracking.keep_epochs=[2, 50]"]  # before the kill and after it
    whole = fit(faces, model_file, tmp_path / "whole", *epochs)
    arguments = fit_arguments(faces, model_file, tmp_path / "parts", *epochs)
    process = _start(arguments, tmp_path)
    runs = tmp_path / "parts" / "runs"
    while not list(runs.glob("*/last.ckpt")):
        assert process.poll() is None
        time.sleep(0.05)
    time.sleep(np.random.default_rng(seed).uniform(0, 2))
    assert process.poll() is None, "it was over before it could be killed"
    process.send_signal(signal.SIGKILL)
    process.wait()
    (folder,) = runs.iterdir()
    rest = main(["fit", "--ckpt_path=last", f"--tracking.folder={tmp_path / 'parts'}"]).folder
    assert rest.path == folder
    assert mlflow_run(rest).info.status == "FINISHED"
    assert_same_weights(rest, whole)
    for epoch in (2, 50):
        assert state_digest(rest.epoch_checkpoint(epoch)) == state_digest(whole.epoch_checkpoint(epoch))
    expected = history(whole)
    assert {name: history(rest)[name] for name in expected} == expected
