"""Trainings that diverge: they end at once, keep what is finite, and say so, as do later uses of their networks."""

import math
from dataclasses import replace

import pytest
import torch
from pytorch_lightning import Callback

from datamodules.errors import DivergedError
from lightning_module.checkpoint import load_module
from lightning_module.cli import run_cli
from lightning_module.configuration.checkpoint_progress import read_progress
from lightning_module.evaluation.nme import NMEReport
from lightning_module.evaluation.protocols import LANDMARKS_2D
from lightning_module.evaluation.stage_figures import figures_of
from lightning_module.tracking.run_folder import RunFolder
from run import main
from tests.runs import fit_arguments, history, mlflow_run


class Explosion(Callback):
    """Raises the learning rate beyond all bounds after the first epoch."""

    def on_train_epoch_start(self, trainer, pl_module):
        if trainer.current_epoch == 1:
            trainer.optimizers[0].param_groups[0]["lr"] = 1e30


@pytest.fixture
def with_weights(trained_run, tmp_path):
    """Writes the checkpoint of a run with the weights of its last convolution multiplied by a number."""

    def write(factor):
        checkpoint = torch.load(trained_run.best_checkpoint, weights_only=True)
        name = [name for name, tensor in checkpoint["state_dict"].items() if tensor.dim() == 4][-1]
        checkpoint["state_dict"][name] *= factor
        torch.save(checkpoint, tmp_path / "diverged.ckpt")
        return tmp_path / "diverged.ckpt"

    return write


def test_a_fit_that_diverges_ends_at_that_epoch_and_keeps_the_best_network(faces, model_file, tmp_path):
    options = ["--trainer.max_epochs=4", "--tracking.checkpoint_seconds=0", f"--data.test.root={faces}"]
    with pytest.raises(DivergedError, match=r"the loss of epoch 2 is not finite\. Training has diverged") as caught:
        run_cli(fit_arguments(faces, model_file, tmp_path, *options), [Explosion()])
    (folder,) = (tmp_path / "runs").iterdir()
    run = RunFolder(folder)
    assert str(caught.value).endswith(f"The best network, of epoch 1, is {run.best_checkpoint}.")
    assert "\n" not in str(caught.value)
    for path in (run.best_checkpoint, run.last_checkpoint):
        load_module(path)  # whose weights are finite
        assert read_progress(path).epoch == 1
    assert all(math.isfinite(value) for value in history(run).values())
    assert {step for name, step in history(run) if name == "train/loss"} == {2}
    stored = mlflow_run(run)
    assert stored.info.status == "FAILED"
    assert "Training has diverged" in stored.data.tags["ended_by"]
    assert max(stored.data.metrics.values()) < 1e300


@pytest.mark.slow
@pytest.mark.parametrize("options", [["--model.lr=1e4"], ["--model.lr=1e30", "--data.val_fraction=0"]])
def test_a_fit_that_diverges_at_once_is_one_line(options, faces, model_file, tmp_path):
    with pytest.raises(
        DivergedError, match=r"not finite.*Training has diverged.*No network was saved before"
    ) as caught:
        run_cli(fit_arguments(faces, model_file, tmp_path, f"--data.test.root={faces}", *options))
    assert "\n" not in str(caught.value)
    (folder,) = (tmp_path / "runs").iterdir()
    assert mlflow_run(RunFolder(folder)).info.status == "FAILED"
    assert not list(folder.glob("*.ckpt"))


@pytest.mark.parametrize(("command", "factor"), [("test", math.nan), ("validate", 1e37)])
def test_an_evaluation_of_a_diverged_network_names_its_checkpoint(command, factor, with_weights, faces, model_file):
    options = [f"--data.root={faces}", f"--data.test.root={faces}", f"--data.face_model.path={model_file}"]
    options += ["--trainer.logger=false", "--trainer.accelerator=cpu", "--data.val_fraction=0.3"]
    with pytest.raises(DivergedError, match=r"diverged\.ckpt: .*not finite.*Give the checkpoint|give the") as caught:
        main([command, f"--ckpt_path={with_weights(factor)}", *options])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("factor", [math.nan, math.inf])
def test_weights_that_are_not_finite_are_named(factor, with_weights):
    with pytest.raises(
        DivergedError, match=r"diverged\.ckpt: its weights are not finite \(.*weight\).*an earlier epoch"
    ):
        load_module(with_weights(factor))


@pytest.mark.parametrize("command", ["predict", "export"])
def test_a_diverged_network_is_not_used(command, with_weights, faces, tmp_path):
    boxes = tmp_path / "boxes.json"
    boxes.write_text('{"image00000.jpg": [[20, 20, 100, 100]]}', encoding="utf-8")
    photo = faces / "image00000.jpg"
    arguments = {
        "predict": [str(photo), f"--boxes={boxes}", f"--out={tmp_path / 'out'}"],
        "export": ["--format=torchscript", f"--out={tmp_path / 'out.pt'}"],
    }[command]
    for factor, fault in ((math.nan, "weights are not finite"), (1e12, r"maps reach \S+ px.*diverged\?")):
        with pytest.raises(ValueError, match=rf"diverged\.ckpt.*{fault}") as caught:
            main([command, f"--ckpt_path={with_weights(factor)}", *arguments])
        assert "\n" not in str(caught.value)
    assert not (tmp_path / "out.pt").exists()


def test_figures_are_finite_or_none():
    report = NMEReport(torch.tensor([1.0, 2.0]), torch.tensor([0.0, 40.0]))
    assert figures_of("val", {LANDMARKS_2D.name: report})["val/nme/mean"] == 1.5
    unknown = replace(report, per_face=torch.tensor([1.0, torch.nan]))  # of a face without depth
    assert "val/other/mean" not in figures_of("val", {LANDMARKS_2D.name: report, "other": unknown})
    for reports in (
        {},
        {LANDMARKS_2D.name: unknown},
        {LANDMARKS_2D.name: report, "other": replace(report, per_face=torch.tensor([1.0, torch.inf]))},
    ):
        with pytest.raises(DivergedError, match="not finite"):
            figures_of("val", reports)
