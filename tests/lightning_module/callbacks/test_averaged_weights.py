"""Fits that average their weights: what is averaged, kept, tested, and continued."""

import pytest
import torch
from pytorch_lightning import Callback

from datamodules.errors import InputError
from lightning_module.callbacks.averaged_weights import AveragedWeights
from lightning_module.checkpoint import load_module, state_digest
from lightning_module.cli import run_cli
from run import main
from tests.runs import assert_same_weights, copied, fit_arguments, history, weights

DECAY = 0.7
LAYOUT = ("mean_map", "regions", "landmark_texels", "weight_map")


class Trajectory(Callback):
    """Notes the network after each step, before it is averaged or validated."""

    def __init__(self):
        self.networks = []

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        self.networks.append({name: value.clone() for name, value in pl_module.network.state_dict().items()})


@pytest.fixture(scope="module")
def arguments(faces, model_file, tmp_path_factory):
    folder = tmp_path_factory.mktemp("averaged")
    path = f"{AveragedWeights.__module__}.AveragedWeights"
    (folder / "averaged.yaml").write_text(
        f"trainer:\n  callbacks:\n    - {{class_path: {path}, init_args: {{decay: {DECAY}}}}}\n"
    )
    options = [f"--config={folder / 'averaged.yaml'}", "--trainer.num_sanity_val_steps=1", f"--data.test.root={faces}"]
    return lambda name, *more: fit_arguments(faces, model_file, folder / name, *options, *more)


@pytest.fixture(scope="module")
def whole(arguments):
    """A fit of two epochs, and its networks after each step."""
    trajectory = Trajectory()
    return run_cli(arguments("whole"), [trajectory]), trajectory.networks


def test_the_network_of_a_fit_is_the_moving_average_of_its_steps(whole, trained_run):
    result, (average, *later) = whole
    for network in later:
        for name, value in network.items():
            is_number = value.is_floating_point()
            average[name] = DECAY * average[name] + (1 - DECAY) * value if is_number else value
    kept = load_module(result.folder.last_checkpoint).network.state_dict()
    for name, value in average.items():
        torch.testing.assert_close(kept[name], value, rtol=1e-4, atol=1e-5)
    # the weights that training went on with are others
    assert not any(torch.equal(kept[name], value) for name, value in later[-1].items() if value.ndim > 1)
    # what no step changes stays as it is, and integers stay integers
    for name in LAYOUT:
        assert torch.equal(weights(result.folder)[name], weights(trained_run)[name]), name


def test_the_averages_are_validated_and_tested(whole, faces, model_file, tmp_path):
    result, _ = whole
    figures = history(result.folder)
    where = [f"--data.root={faces}", f"--data.test.root={faces}", f"--data.face_model.path={model_file}"]
    more = ["--data.val_fraction=0.3", "--data.num_workers=0", f"--tracking.folder={tmp_path}"]
    path = tmp_path / "network.ckpt"
    path.write_bytes(result.folder.best_checkpoint.read_bytes())
    for command, stage in (("validate", "val"), ("test", "test")):
        report = main([command, f"--ckpt_path={path}", *where, *more]).reports[stage]["nme"]
        best = min(value for (name, _), value in figures.items() if name == f"{stage}/nme/mean")
        assert report.mean_of_bins == pytest.approx(best)


@pytest.mark.slow
def test_a_fit_goes_on_as_if_it_had_not_been_stopped(whole, arguments, tmp_path):
    first = run_cli(arguments("first", "--trainer.max_epochs=1")).folder
    begun = copied(first, tmp_path)
    resumed = run_cli(["fit", f"--ckpt_path={begun.last_checkpoint}", "--trainer.max_epochs=2"]).folder
    assert_same_weights(resumed, whole[0].folder)
    assert state_digest(resumed.last_checkpoint) == state_digest(whole[0].folder.last_checkpoint)
    # its digest tells trainings apart whose averages agree
    checkpoint = torch.load(resumed.last_checkpoint, weights_only=True)
    checkpoint["current_model_state"]["network.0"] = torch.ones(1)
    torch.save(checkpoint, tmp_path / "other.ckpt")
    assert state_digest(tmp_path / "other.ckpt") != state_digest(resumed.last_checkpoint)


@pytest.mark.parametrize("decay", [0, 1, -0.5])
def test_a_decay_that_averages_nothing_is_refused(decay):
    with pytest.raises(InputError, match="between 0 and 1"):
        AveragedWeights(decay)


@pytest.mark.parametrize("name", ["EMAWeightAveraging", "WeightAveraging"])
def test_lightnings_own_averages_are_refused(name, faces, model_file, tmp_path):
    with pytest.raises(InputError, match=rf"{name} would move landmarks .* Give lightning_module\..*AveragedWeights"):
        main(fit_arguments(faces, model_file, tmp_path, f"--trainer.callbacks={name}"))
