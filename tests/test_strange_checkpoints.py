"""Checkpoints that are not what an option needs, and what a new run takes from one that is."""

import shutil

import pytest
import torch

from datamodules.errors import InputError
from lightning_module.checkpoint import load_module
from run import main
from tests.runs import copied, fit_arguments, history, weights


@pytest.fixture
def changed(trained_run, tmp_path):
    """Writes the checkpoint of a run with some of its contents replaced."""

    def write(**contents):
        path = tmp_path / "changed.ckpt"
        torch.save({**torch.load(trained_run.last_checkpoint, weights_only=True), **contents}, path)
        return path

    return write


@pytest.mark.parametrize("option", ["ckpt_path", "init_from", "branch_from"])
@pytest.mark.parametrize(
    ("contents", "fault"),
    [
        ({"hyper_parameters": {"hidden": 3}, "optimizer_states": [1]}, "is no checkpoint of this project: it has no"),
        ({"regions": 5}, "is no checkpoint of this project"),
        ({"state_dict": {}}, "its parameters do not match"),
    ],
)
def test_a_foreign_checkpoint_is_one_line(option, contents, fault, changed, faces, model_file, tmp_path):
    path = changed(**contents)
    options = ["--trainer.logger=false", "--trainer.max_epochs=3", "--model.weights={}"]
    own = [f"--data.root={faces}", f"--data.face_model.path={model_file}", f"--tracking.folder={tmp_path}"]
    with pytest.raises(InputError, match=rf"changed\.ckpt: {fault}") as caught:
        main(["fit", f"--{option}={path}", *options, *own, "--data.val_fraction=0.3", "--trainer.accelerator=cpu"])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("damage", [b"seed_everything: 0\0\0\n", b"model: [1", b"\xff"])
def test_a_damaged_configuration_of_a_run_is_one_line(damage, trained_run, tmp_path):
    run = copied(trained_run, tmp_path)
    run.config.write_bytes(damage)
    with pytest.raises(InputError, match=r"config\.yaml: is no YAML file .* Mend it, or leave it out") as caught:
        main(["test", f"--ckpt_path={run.best_checkpoint}", f"--tracking.folder={tmp_path}"])
    assert "\n" not in str(caught.value)


class Bomb:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (self.path, "w"))


def test_a_checkpoint_runs_nothing(changed, tmp_path):
    path = changed(bomb=Bomb(str(tmp_path / "exploded")))
    with pytest.raises(InputError, match="is no checkpoint of this project"):
        load_module(path)
    assert not (tmp_path / "exploded").exists()


def test_another_score_for_a_run_that_goes_on_is_said(trained_run, tmp_path, caplog):
    run = copied(trained_run, tmp_path)
    options = [f"--tracking.folder={tmp_path}", "--score=nme_mouth:worst", "--trainer.max_epochs=3"]
    main(["fit", f"--ckpt_path={run.last_checkpoint}", *options, "--test_at_end=false"])
    (line,) = [message for message in caplog.messages if "best.ckpt" in message]
    assert "chosen by val/nme/mean so far; from here on val/nme_mouth/worst" in line
    kept = torch.load(run.best_checkpoint, weights_only=True)
    assert kept["epoch"] == 2


def test_a_branch_of_a_copied_checkpoint_has_its_regions(faces, model_file, tmp_path):
    table = "--data.regions=tests.test_seam_regions.six_regions"
    first = main(fit_arguments(faces, model_file, tmp_path, table, "--trainer.max_epochs=1")).folder
    moved = shutil.copy(first.last_checkpoint, tmp_path / "copied.ckpt")
    where = [option for option in fit_arguments(faces, model_file, tmp_path) if option.startswith(("--data", "--tra"))]
    branch = main(["fit", f"--branch_from={moved}", *where, "--model.weights={mouth: 9}"]).folder
    assert torch.equal(weights(branch)["regions"], weights(first)["regions"])
    assert ("train/loss", 5) in history(branch)
