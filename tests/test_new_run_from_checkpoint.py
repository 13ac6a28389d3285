"""`--init_from` and `--branch_from`: new runs that start from a checkpoint, and what each of them may change."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

from datamodules.errors import InputError
from datamodules.files.bfm import write_morphable_model
from lightning_module.checkpoint import state_digest
from run import main
from tests.fakes import fake_model
from tests.runs import PROJECT, assert_same_weights, copied, fit, fit_arguments, history, mlflow_run, weights

HALVING = "--model.lr_halving_epochs=1"


@pytest.fixture(scope="module")
def parent(faces, model_file, tmp_path_factory):
    """A fit of two epochs that validates each and keeps the second, to branch from."""
    return fit(faces, model_file, tmp_path_factory.mktemp("parent"), HALVING, "--tracking.keep_epochs=[2]")


def _branch(checkpoint, folder, *more):
    return main(["fit", f"--branch_from={checkpoint}", f"--tracking.folder={folder}", *more]).folder


@pytest.fixture(scope="module")
def whole(faces, model_file, tmp_path_factory):
    """The same fit, trained for four epochs at once, of which the second is kept."""
    options = (HALVING, "--trainer.max_epochs=4", "--tracking.keep_epochs=[2]")
    return fit(faces, model_file, tmp_path_factory.mktemp("whole"), *options)


@pytest.mark.parametrize("name", ["last.ckpt", "best.ckpt", "epoch_2.ckpt"])
def test_a_branch_with_nothing_changed_ends_where_the_run_that_went_on_does(name, parent, whole, tmp_path):
    parent = whole if name == "epoch_2.ckpt" else parent
    before = {path.name: path.read_bytes() for path in parent.path.iterdir() if path.is_file()}
    branch = _branch(parent.path / name, tmp_path, "--trainer.max_epochs=4")
    assert not list(branch.path.glob("epoch_*"))  # the epochs that its parent kept are not its own
    assert_same_weights(branch, whole)
    expected, own = history(whole), history(branch)
    assert own == {at: value for at, value in expected.items() if at in own}
    assert ("train/loss", 11) in own
    # a run of its own, which names its parent
    tags = mlflow_run(branch).data.tags
    assert tags["parent"] == tags["weightmask.parent"] == parent.key
    assert tags["started_by"] == "branch_from"
    assert {path.name: path.read_bytes() for path in parent.path.iterdir() if path.is_file()} == before


@pytest.mark.parametrize(("epochs", "fault"), [("[0]", "counted from 1"), ("[3, 2]", "names epoch 3, but .* has 2")])
def test_only_an_epoch_that_is_trained_can_be_kept(epochs, fault, faces, model_file, tmp_path):
    with pytest.raises(InputError, match=f"--tracking.keep_epochs .*{fault}"):
        fit(faces, model_file, tmp_path, f"--tracking.keep_epochs={epochs}")
    assert not list(tmp_path.glob("runs/*"))


def test_an_epoch_that_is_stopped_halfway_is_not_kept(faces, model_file, tmp_path):
    run = fit(faces, model_file, tmp_path, "--tracking.keep_epochs=[1, 2]", "--trainer.max_steps=5")  # of 3 an epoch
    assert [path.name for path in run.path.glob("epoch_*")] == ["epoch_1.ckpt"]


def test_the_digest_of_a_state_is_that_of_its_tensors(parent, whole, tmp_path):
    kept = parent.epoch_checkpoint(2)
    assert state_digest(kept) == state_digest(whole.epoch_checkpoint(2))
    checkpoint = torch.load(kept, weights_only=True)
    torch.save(dict(reversed(checkpoint.items())) | {"callbacks": {}}, tmp_path / "moved.ckpt")
    assert state_digest(tmp_path / "moved.ckpt") == state_digest(kept)
    moments = checkpoint["optimizer_states"][0]["state"][0]["exp_avg"]
    moments[0] = torch.nextafter(moments[0], moments[0] + 1)
    torch.save(checkpoint, tmp_path / "other.ckpt")
    assert state_digest(tmp_path / "other.ckpt") != state_digest(kept)


def test_a_branch_trains_with_the_region_weights_that_it_is_given(parent, tmp_path):
    branch = _branch(parent.last_checkpoint, tmp_path, "--trainer.max_epochs=3", "--model.weights.mouth=50")
    assert branch.tags()["ratio"] == "16-5-50-3-0"
    old, new = weights(parent)["weight_map"], weights(branch)["weight_map"]
    assert new.max() / new[new > 0].min() == pytest.approx(50 / 3)
    assert not torch.equal(old, new)
    # it keeps them, and a file that names another start gives way
    (tmp_path / "tuned.yaml").write_text(f"init_from: {parent.last_checkpoint}\n")
    options = [f"--config={tmp_path / 'tuned.yaml'}", "--init_from=null", "--trainer.max_epochs=4"]
    again = _branch(branch.last_checkpoint, tmp_path / "again", *options)
    assert torch.equal(weights(again)["weight_map"], new)


@pytest.mark.parametrize(
    "option", ["--model.lr=0.5", "--model.lr_schedule=one_cycle", "--model.network.norm_momentum=0.5"]
)
def test_a_branch_keeps_network_learning_rate_and_schedule(option, parent, tmp_path):
    with pytest.raises(InputError, match=r"cannot be changed together with --branch_from.*--init_from"):
        _branch(parent.last_checkpoint, tmp_path, option)


def test_a_branch_starts_at_the_end_of_an_epoch(parent, tmp_path):
    checkpoint = torch.load(parent.last_checkpoint, weights_only=True)
    checkpoint["loops"]["fit_loop"]["epoch_loop.batch_progress"]["is_last_batch"] = False
    torch.save(checkpoint, tmp_path / "middle.ckpt")
    with pytest.raises(InputError, match=r"middle\.ckpt: was saved in the middle of an epoch"):
        _branch(tmp_path / "middle.ckpt", tmp_path)
    torch.save({**checkpoint, "optimizer_states": []}, tmp_path / "bare.ckpt")
    with pytest.raises(InputError, match=r"bare\.ckpt: holds no optimiser state.*--init_from"):
        _branch(tmp_path / "bare.ckpt", tmp_path)


def test_a_branch_of_a_one_cycle_schedule_has_its_length(faces, model_file, tmp_path):
    run = fit(faces, model_file, tmp_path / "parent", "--model.lr_schedule=one_cycle")
    checkpoint = shutil.copy(run.best_checkpoint, tmp_path / "network.ckpt")
    with pytest.raises(InputError, match=r"one-cycle schedule has 6 steps, and this fit 12.*--init_from"):
        fit(
            faces,
            model_file,
            tmp_path / "branch",
            "--model.lr_schedule=one_cycle",
            "--trainer.max_epochs=4",
            f"--branch_from={checkpoint}",
        )


def test_a_fit_can_begin_with_another_ones_weights_alone(parent, faces, model_file, tmp_path):
    """Learning rate, schedule, region weights, data and face model are its own; its configuration repeats it."""
    model = fake_model()
    write_morphable_model(replace(model, mean=model.mean * np.float32([1, 1.1, 1])), tmp_path / "BFM.mat")
    run = fit(
        faces,
        tmp_path / "BFM.mat",
        tmp_path,
        f"--init_from={parent.last_checkpoint}",
        "--model.weights.mouth=50",
        "--model.lr=0",
        "--model.lr_schedule=one_cycle",
        "--trainer.max_epochs=1",
        "--data.batch_size=3",
    )
    old, new = weights(parent), weights(run)
    for name in old:
        if name.startswith("network.") and "running" not in name and "tracked" not in name:
            assert torch.equal(old[name], new[name]), name
    assert not torch.equal(old["mean_map"], new["mean_map"])
    assert not torch.equal(old["weight_map"], new["weight_map"])
    assert torch.load(run.last_checkpoint, weights_only=True)["epoch"] == 1  # and not 3
    assert run.tags()["parent"] == parent.key
    assert mlflow_run(run).data.params["lr"] == "0.0"
    again = main(["fit", "--config", str(run.config), f"--tracking.folder={tmp_path / 'again'}"]).folder
    assert_same_weights(again, run)


def test_another_networks_weights_are_refused(parent, faces, model_file, tmp_path):
    with pytest.raises(
        InputError, match=r"--model\.network\.base_channels cannot be changed together with --init_from"
    ) as error:
        fit(faces, model_file, tmp_path, f"--init_from={parent.last_checkpoint}", "--model.network.base_channels=4")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("has_config", [False, True])
def test_going_on_refuses_other_weights_wherever_they_are_set(has_config, parent):
    unweighted = ["--config", str(PROJECT / "conf" / "unweighted.yaml")]
    options = unweighted if has_config else ["--model.weights.mouth=3"]
    with pytest.raises(InputError, match=r"--model\.weights\.\w+ cannot be changed.*--init_from.*--branch_from"):
        main(["fit", f"--ckpt_path={parent.last_checkpoint}", *options])


def test_going_on_accepts_options_that_are_the_checkpoints_own(parent, faces, model_file, tmp_path):
    run = copied(parent, tmp_path)
    arguments = fit_arguments(faces, model_file, tmp_path, HALVING, "--model.weights.mouth=4", "--trainer.max_epochs=3")
    result = main([*arguments, f"--ckpt_path={run.last_checkpoint}"])
    assert result.folder == run
    assert ("train/loss", 8) in history(result.folder)
