"""Options of the trainer that cannot be used: one line each, and no run of a training that never began."""

import pytest
import torch

from datamodules.errors import InputError
from lightning_module.configuration.command_options import FaceCLI
from lightning_module.network_check import training_offsets
from lightning_module.networks.hourglass import Hourglass
from lightning_module.optimisation import adam_with_schedule
from lightning_module.trainer_errors import refusals_while_running
from run import main
from tests.runs import fit_arguments, history


def _refused(options, fault, faces, model_file, folder):
    with pytest.raises(InputError, match=fault) as caught:
        main(fit_arguments(faces, model_file, folder, *options))
    assert "\n" not in str(caught.value)
    assert not list(folder.glob("runs/*"))


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        (["--seed_everything=-1"], r"^--seed_everything is -1: give a whole number from 0"),
        (["--seed_everything=4294967296"], r"^--seed_everything is 4294967296: give"),
        (["--trainer.precision=64-true"], r"^--trainer\.precision is 64-true: .* Give 32-true"),
        (["--trainer.overfit_batches=2"], r"^--trainer\.overfit_batches would"),
        (["--trainer.accumulate_grad_batches=0"], r"^--trainer\.accumulate_grad_batches is 0: give a positive"),
        (["--trainer.check_val_every_n_epoch=0"], r"^--trainer\.check_val_every_n_epoch is 0"),
        (["--trainer.val_check_interval=0"], r"^--trainer\.val_check_interval is 0"),
    ],
)
def test_what_no_fit_can_use_is_refused_before_data_are_read(options, fault, faces, model_file, tmp_path):
    _refused(options, fault, faces, model_file, tmp_path)


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        (["accelerator=quantum"], "invalid accelerator name"),
        (["limit_train_batches=7.5"], "invalid value 7.5 for limit_train_batches"),
        (["val_check_interval=100"], "must be less than or equal to the number of the training batches"),
        *(
            pytest.param(*case, marks=pytest.mark.slow)
            for case in (
                (["devices=many"], "devices"),
                (["strategy=nothing"], "invalid strategy name"),
                (["strategy=fsdp"], "requires a GPU accelerator"),
                (["profiler=nothing"], "profiler"),
                (["max_epochs=-2"], "max_epochs"),
                (["max_time=soon"], "not a valid duration"),
                (["gradient_clip_val=1", "gradient_clip_algorithm=sideways"], "sideways is invalid"),
                (["callbacks=ModelCheckpoint", "enable_checkpointing=false"], "enable_checkpointing=False"),
                (["barebones=true"], "barebones"),
                (["reload_dataloaders_every_n_epochs=-1"], "reload_dataloaders_every_n_epochs"),
            )
        ),
    ],
)
def test_what_lightning_refuses_is_one_line(options, fault, faces, model_file, tmp_path):
    fault = rf"Lightning cannot run with these options \(.*{fault}.*Correct the options of --trainer"
    _refused([f"--trainer.{option}" for option in options], fault, faces, model_file, tmp_path)


@pytest.mark.parametrize(
    "option",
    [
        "max_epochs=0",
        *(
            pytest.param(o, marks=pytest.mark.slow)
            for o in ("max_steps=0", "limit_train_batches=0", "max_time=00:00:00:00")
        ),
    ],
)
def test_a_fit_without_a_step_is_no_fit(option, faces, model_file, tmp_path):
    _refused([f"--trainer.{option}"], "nothing was trained: the fit has no step", faces, model_file, tmp_path)


@pytest.mark.slow
def test_a_single_callback_needs_no_list(faces, model_file, tmp_path):
    options = ["--trainer.callbacks=LearningRateMonitor", "--trainer.max_epochs=1"]
    run = main(fit_arguments(faces, model_file, tmp_path, *options)).folder
    assert {name for name, _ in history(run)} >= {"lr-Adam", "train/loss"}


@pytest.mark.parametrize(
    ("lr", "interval", "fault"), [(-1.0, 20, "--model.lr is -1"), (1e-3, 0, "--model.lr_halving_epochs is 0")]
)
def test_a_learning_rate_out_of_range_is_named(lr, interval, fault):
    with pytest.raises(InputError, match=fault):
        adam_with_schedule(
            Hourglass(2, image_size=32, map_size=32).parameters(), lr, "halving", interval, 0, is_fused=False
        )


def test_a_batch_of_one_face_is_too_small_for_batch_norms():
    network = Hourglass(2, image_size=32, map_size=32)
    with pytest.raises(
        InputError, match=r"--data\.batch_size: Hourglass cannot train on a batch of one face.*at least 2"
    ):
        training_offsets(network, torch.rand(1, 3, 32, 32), 32)


def test_only_lightnings_own_errors_become_a_line():
    with pytest.raises(ZeroDivisionError), refusals_while_running():
        _ = 1 / 0


@pytest.mark.parametrize(
    "option",
    ["score", "test_at_end", "model.lr", "model.landmark_radius_texels", "data.reader", "trainer.detect_anomaly"],
)
def test_an_option_whose_value_was_cut_off_is_named(option, tmp_path):
    group, _, name = option.rpartition(".")
    (tmp_path / "mine.yaml").write_text(
        "seed_everything: 1\n" + (f"{group}: {{{name}: }}\n" if group else f"{name}:\n")
    )
    with pytest.raises(InputError, match=rf"--{option} is null") as caught:
        FaceCLI("fit", ["--config", str(tmp_path / "mine.yaml")])
    assert "\n" not in str(caught.value)
