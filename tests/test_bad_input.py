"""What a user gets wrong: one clear line, and no run."""

import subprocess
import sys

import pytest

from datamodules.errors import InputError
from run import main
from tests.fakes import write_faces
from tests.runs import PROJECT, fit, fit_arguments


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (["--data.root={tmp}/nothing"], "there is no such folder"),
        (["--data.face_model.path={tmp}/BFM.mat"], "there is no such file"),
        (["--ckpt_path={tmp}/gone.ckpt"], "there is no such checkpoint"),
        (["--ckpt_path=last"], "holds no run to start from"),
        (["--data.val_fraction=1.5"], "val_fraction is 1.5"),
        (["--data.batch_size=0"], "batch_size is 0"),
        (["--model.weights.mouth=-1"], "region weights"),
        (["--model.network.map_size=48"], "map_size is 48"),
        (["--data.image_size=50"], "image_size is 50"),
        (["--model.network.base_channels=0"], "base_channels is 0"),
        (["--data.augmentation.scale=[2,1]"], r"augmentation\.scale"),
        (["--data.augmentation.erase_area=[1,2]"], r"augmentation\.erase_area"),
        (["--data.augmentation.mirror_probability=2"], r"augmentation\.mirror_probability"),
        (["--seed_everything=true"], "seed_everything is true"),
        (["--data.test.root={tmp}/nothing"], r"Set --data\.test\.root"),
        (["--trainer.logger=NoSuchLogger"], r"trainer\.logger"),
        (["--init_from={tmp}/gone.ckpt"], r"gone\.ckpt: there is no such checkpoint. Set --init_from"),
        (["--branch_from={tmp}/a.ckpt", "--init_from={tmp}/a.ckpt"], "--init_from and --branch_from are both set"),
        (["--score=nme:median"], "--score nme:median"),
    ],
)
def test_a_mistake_is_one_clear_line_and_starts_no_run(arguments, fault, faces, model_file, tmp_path):
    with pytest.raises(InputError, match=fault) as caught:
        fit(faces, model_file, tmp_path, *(argument.format(tmp=tmp_path) for argument in arguments))
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    "option", ["--data.rooot=x", "--model.weights.landmark=3", "--model.weight.landmarks=3", "--seed=3"]
)
def test_a_typo_trains_nothing_and_is_named(option, faces, model_file, tmp_path):
    with pytest.raises(InputError) as caught:
        fit(faces, model_file, tmp_path, option)
    assert option.partition("=")[0].removeprefix("--") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_typo_in_a_config_is_named(faces, model_file, tmp_path):
    (tmp_path / "mine.yaml").write_text("model:\n  weights: {landmark: 3}\n")
    with pytest.raises(InputError, match="landmark"):
        fit(faces, model_file, tmp_path, "--config", str(tmp_path / "mine.yaml"))


def test_weights_beside_a_checkpoint_are_refused(trained_run, faces, model_file, tmp_path):
    with pytest.raises(InputError, match=r"--model\.weights\.landmarks cannot be changed together with --ckpt_path"):
        main(["test", f"--ckpt_path={trained_run.best_checkpoint}", "--model.weights.landmarks=50"])


@pytest.mark.parametrize("command", ["test", "validate"])
def test_an_evaluation_needs_a_checkpoint(command, faces, model_file):
    with pytest.raises(InputError, match="--ckpt_path is not set"):
        main([command, f"--data.test.root={faces}", f"--data.face_model.path={model_file}"])


def test_validating_nothing_is_refused(trained_run, faces, model_file):
    with pytest.raises(InputError, match="there are no validation faces"):
        main(
            [
                "validate",
                f"--ckpt_path={trained_run.best_checkpoint}",
                f"--data.root={faces}",
                "--data.val_fraction=0",
                f"--data.face_model.path={model_file}",
            ]
        )


def test_maps_name_a_folder_that_cannot_be_written(trained_run, faces, model_file, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"cannot be written.*--maps"):
        main(
            [
                "test",
                f"--ckpt_path={trained_run.best_checkpoint}",
                f"--data.test.root={faces}",
                f"--data.face_model.path={model_file}",
                f"--maps={tmp_path / 'file' / 'x'}",
            ]
        )


def test_an_unknown_command_is_named():
    with pytest.raises(InputError, match=r"train: there is no such command\. Give one of fit, "):
        main(["train"])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("--data.test_root=x", "--data.test.root"),
        ("--data.profiling.yaw_deg=[0,1]", "--data.pose_augmentation.yaw_deg"),
        ("--model.base_channels=2", "--model.network.base_channels"),
        ("--model.direct_rank=2", "--model.network.bypass_rank"),
        ("--model.loss_reduction=sum", "mean over texels"),
        ("--out=x", "--maps"),
    ],
)
def test_an_option_of_an_earlier_version_is_told_its_name_of_today(old, new):
    with pytest.raises(InputError) as caught:
        main(["fit", old])
    assert old.partition("=")[0] in str(caught.value)
    assert new in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_no_checkpoint_is_named(faces, model_file, tmp_path):
    (tmp_path / "x.ckpt").write_bytes(b"PK no zip")
    with pytest.raises(InputError, match=r"x\.ckpt: is no checkpoint"):
        main(
            [
                "test",
                f"--ckpt_path={tmp_path / 'x.ckpt'}",
                f"--data.test.root={faces}",
                f"--data.face_model.path={model_file}",
            ]
        )


def test_a_fit_that_names_test_data_alone_is_told_what_it_lacks(faces):
    with pytest.raises(InputError, match=r"--data\.root is not set"):
        main(["fit", f"--data.test.root={faces}", "--trainer.accelerator=cpu"])


def test_a_one_cycle_schedule_must_know_its_end(faces, model_file, tmp_path):
    with pytest.raises(InputError, match="needs the length of the training"):
        fit(faces, model_file, tmp_path, "--model.lr_schedule=one_cycle", "--trainer.max_epochs=-1")


@pytest.mark.slow
def test_a_terminal_shows_one_line_even_for_a_workers_error(model_file, tmp_path):
    root = write_faces(tmp_path / "data", [0.0] * 8)
    data = (root / "image00003.jpg").read_bytes()
    (root / "image00003.jpg").write_bytes(data[: len(data) - 300])
    arguments = fit_arguments(root, model_file, tmp_path / "mlruns", "--data.num_workers=1", "--data.val_fraction=0")
    done = subprocess.run(
        [sys.executable, str(PROJECT / "run.py"), *arguments],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stdout
    assert done.stdout.splitlines()[-1].startswith(f"error: {root / 'image00003.jpg'}: is a truncated JPEG")
    (journal,) = (tmp_path / "mlruns" / "runs").glob("*/journal.jsonl")
    assert "Traceback" not in journal.read_text()
