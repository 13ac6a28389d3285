import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from datamodules.errors import InputError
from lightning_module.checkpoint import load_module
from lightning_module.face_module import FaceModule
from lightning_module.networks.hourglass import Hourglass
from lightning_module.reporting.run_report import LastCheckpoint
from run import main
from tests.fakes import write_faces, write_model
from tests.runs import TINY, assert_same_weights, fit, fit_arguments, history, mlflow_run, weights

PROJECT = Path(__file__).resolve().parents[1]


# every augmentation, so that what is repeated is all there is
TURNED = ["--data.profile_probability=0.5", "--data.profiling.crossover_probability=0.5"]


@pytest.fixture(scope="module")
def first_run(faces, model_file, tmp_path_factory):
    return fit(faces, model_file, tmp_path_factory.mktemp("mlruns"), f"--data.test_root={faces}", *TURNED)


def test_a_run_in_mlflow_says_all_that_repeats_and_compares_it(first_run):
    run = mlflow_run(first_run)
    assert (run.info.run_name, run.info.status) == ("16-5-4-3-0 s0", "FINISHED")
    assert {"weights.landmarks": "16.0", "seed": "0", "network.base_channels": "2"}.items() <= run.data.params.items()
    assert {"data.batch_size", "trainer.max_epochs", "lr"} <= run.data.params.keys()
    assert not any("instantiator" in name or "/" in name for name in run.data.params)
    assert {
        "version.torch",
        "fingerprint.data",
        "fingerprint.morphable_model",
        "dataset.test",
        "ratio",
        "turned_faces",
    } <= run.data.tags.keys()
    for stage in ("val", "test"):
        assert {
            f"{stage}/loss_256",
            f"{stage}/nme/mean",
            f"{stage}/nme/yaw_00_30",
            f"{stage}/faces/yaw_60_90",
        } <= run.data.metrics.keys()
    for place in ("val", "test/faces"):
        assert {
            f"{place}/nme_3d_mean_z/mean",
            f"{place}/nme_dense/mean",
            f"{place}/nme_mouth/mean",
        } <= run.data.metrics.keys()
    assert {
        f"test/faces/{name}"
        for name in (
            "nme_3d_rigid/mean",
            "nme_3d_similarity/mean",
            "nme_mean_map/mean",
            "nme/auc_7",
            "nme/failures_7",
            "nme/balanced",
            "nme/mean_of_faces",
            "nme/mean_low_95",
        )
    } <= run.data.metrics.keys()
    assert "test/faces/nme/mean" not in run.data.metrics  # which has the short name
    assert "train/loss" in run.data.metrics


def test_runs_go_to_a_file_of_the_project_where_nothing_else_is_said(faces, model_file, tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    run = fit(faces, model_file, tmp_path, "--trainer.max_epochs=1")
    assert mlflow_run(run, f"sqlite:///{tmp_path / 'mlflow.db'}").info.status == "FINISHED"


def test_a_run_leaves_its_artifacts(first_run):
    artifacts = Path(mlflow_run(first_run).info.artifact_uri.removeprefix("file://"))
    found = {str(path.relative_to(artifacts)) for path in artifacts.rglob("*") if path.is_file()}
    pictures = {
        f"pictures/{name}.png"
        for name in ("region_weights", "val_landmarks", "val_ced", "test_faces_landmarks", "test_faces_ced")
    }
    assert {
        "evaluation/faces.json",
        "evaluation/faces.npz",
        "config.yaml",
        "nme_by_yaw.json",
        "checkpoints/best.ckpt",
        *pictures,
    } <= found
    table = json.loads((artifacts / "nme_by_yaw.json").read_text())
    assert {row[table["columns"].index("stage")] for row in table["data"]} == {"val", "test"}


def test_an_empty_bin_is_a_count_and_no_figure(model_file, tmp_path):
    root = write_faces(tmp_path / "frontal", [0.0, 3, 6, 9, 12, 50, 40, 45])
    run = fit(
        root,
        model_file,
        tmp_path / "mlruns",
        f"--data.test_root={root}",
        "--data.val_fraction=0",
        "--trainer.max_epochs=1",
    )
    metrics = mlflow_run(run).data.metrics
    assert metrics["test/faces/yaw_60_90"] == 0
    assert "test/nme/yaw_60_90" not in metrics
    assert metrics["test/nme/mean"] == pytest.approx(
        (metrics["test/nme/yaw_00_30"] + metrics["test/nme/yaw_30_60"]) / 2
    )
    rows = json.loads((run.path / "nme_by_yaw.json").read_text())
    bins = {(row[2], row[3]): row[4] for row in rows["data"]}
    assert bins["nme", "yaw_60_90"] is None


def test_one_seed_gives_one_run_and_another_seed_another(first_run, faces, model_file, tmp_path):
    again = fit(faces, model_file, tmp_path, f"--data.test_root={faces}", *TURNED)
    assert history(again) == history(first_run)
    assert_same_weights(again, first_run)
    other = fit(faces, model_file, tmp_path, f"--data.test_root={faces}", *TURNED, "--seed_everything=1")
    assert history(other)["train/loss", 5] != history(first_run)["train/loss", 5]


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_do_not_change_a_run(workers, first_run, faces, model_file, tmp_path):
    other = fit(faces, model_file, tmp_path, f"--data.test_root={faces}", *TURNED, f"--data.num_workers={workers}")
    assert history(other) == history(first_run)
    assert_same_weights(other, first_run)


def test_a_runs_own_config_repeats_it_from_anywhere(first_run, tmp_path, monkeypatch):
    artifacts = Path(mlflow_run(first_run).info.artifact_uri.removeprefix("file://"))
    monkeypatch.chdir(tmp_path)
    result = main(["fit", "--config", str(artifacts / "config.yaml"), f"--tracking.folder={tmp_path}"])
    assert history(result.folder) == history(first_run)
    assert_same_weights(result.folder, first_run)


def test_a_checkpoint_alone_is_enough(first_run):
    module = load_module(first_run.best_checkpoint)
    with torch.no_grad():
        maps = module(torch.rand(2, 3, 32, 32))
    assert maps.shape == (2, 3, 256, 256)
    assert module.landmark_texels[:, 0].max() > 0
    assert set(module.regions.unique().tolist()) == {2, 3, 4, 5}
    assert module.weight_map[module.weight_map > 0].mean() == pytest.approx(1, abs=1e-5)


def test_test_and_validate_repeat_the_figures_of_the_fit(first_run, faces, model_file, tmp_path):
    where = [
        f"--data.root={faces}",
        f"--data.test_root={faces}",
        f"--data.morphable_model={model_file}",
        "--data.val_fraction=0.3",
        "--data.num_workers=0",
        f"--tracking.folder={tmp_path}",
        f"--ckpt_path={shutil.copy(first_run.best_checkpoint, tmp_path / 'network.ckpt')}",
    ]
    for command in ("test", "validate"):
        result = main([command, *where])
        stage, place = ("val", "val") if command == "validate" else ("test", "test/faces")
        figures = history(result.folder)
        assert mlflow_run(result.folder).info.status == "FINISHED"
        best = min(value for (name, _), value in history(first_run).items() if name == f"{stage}/nme/mean")
        assert [value for (name, _), value in figures.items() if name == f"{place}/nme/mean"] == [best]


def test_predict_writes_maps_in_crop_pixels(first_run, faces, model_file, tmp_path):
    main(
        [
            "predict",
            f"--ckpt_path={first_run.best_checkpoint}",
            f"--data.test_root={faces}",
            "--data.num_workers=0",
            f"--data.morphable_model={model_file}",
            f"--out={tmp_path / 'maps'}",
        ]
    )
    maps = sorted((tmp_path / "maps").glob("*.npy"))
    assert len(maps) == 12
    assert np.load(maps[0]).shape == (256, 256, 3)


def test_a_network_can_be_tested_on_faces_of_another_topology(first_run, faces, tmp_path):
    from dataclasses import replace

    from datamodules.files.bfm import write_morphable_model
    from tests.fakes import fake_model

    other = fake_model()
    stretched = other.uv.copy()
    stretched[:, 1] **= 1.2  # the same surface on other texels
    write_morphable_model(replace(other, uv=stretched), tmp_path / "BFM.mat")
    network = shutil.copy(first_run.best_checkpoint, tmp_path / "network.ckpt")
    result = main(
        [
            "test",
            f"--ckpt_path={network}",
            f"--data.test_root={faces}",
            f"--data.morphable_model={tmp_path / 'BFM.mat'}",
            f"--tracking.folder={tmp_path}",
        ]
    )
    metrics = mlflow_run(result.folder).data.metrics
    assert metrics["test/faces/nme/mean"] == pytest.approx(history(first_run)["test/nme/mean", 6], rel=1e-4)
    assert not any("dense" in name or "mouth" in name or "loss" in name for name in metrics)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_fit_that_goes_on_ends_where_an_uninterrupted_one_does(workers, faces, model_file, tmp_path):
    options = [f"--data.num_workers={workers}", "--model.lr_halving_epochs=1", *TURNED]
    whole = fit(faces, model_file, tmp_path / "whole", *options, "--trainer.max_epochs=4")
    short = fit(faces, model_file, tmp_path / "parts", *options, "--trainer.max_epochs=2")
    run_id = mlflow_run(short).info.run_id
    where = [f"--data.root={faces}", f"--data.morphable_model={model_file}", f"--tracking.folder={tmp_path / 'parts'}"]
    main(["validate", f"--ckpt_path={short.last_checkpoint}", "--data.val_fraction=0.3", *where])  # is no fit
    rest = main(["fit", "--ckpt_path=last", where[2], "--trainer.max_epochs=4"]).folder
    assert rest == short
    assert mlflow_run(rest).info.run_id == run_id
    assert_same_weights(rest, whole)
    assert history(rest) == history(whole)


def test_another_epoch_than_the_last_starts_a_run_of_its_own(first_run, tmp_path):
    before = first_run.last_checkpoint.read_bytes()
    result = main(
        [
            "fit",
            "--config",
            str(first_run.config),
            f"--ckpt_path={first_run.best_checkpoint}",
            f"--tracking.folder={tmp_path}",
            "--trainer.max_epochs=3",
        ]
    )
    assert result.folder != first_run
    assert first_run.last_checkpoint.read_bytes() == before


def test_a_last_batch_of_one_face_is_left_to_another_epoch(model_file, tmp_path):
    root = write_faces(tmp_path / "data", [0.0] * 5)
    run = fit(root, model_file, tmp_path, "--data.val_fraction=0", "--trainer.max_epochs=1")
    assert ("train/loss", 0) in history(run)


def test_going_on_with_another_face_model_is_refused(faces, tmp_path):
    from dataclasses import replace

    from datamodules.files.bfm import write_morphable_model
    from tests.fakes import fake_model

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
                f"--data.morphable_model={tmp_path / 'BFM.mat'}",
            ]
        )
    assert mlflow_run(run).info.status == "FAILED"


def test_a_failed_run_says_why(faces, model_file, tmp_path, monkeypatch):
    def fail(self, batch, batch_idx):
        raise RuntimeError("the roof is on fire")

    monkeypatch.setattr(FaceModule, "training_step", fail)
    with pytest.raises(RuntimeError):
        fit(faces, model_file, tmp_path)
    (folder,) = (tmp_path / "runs").iterdir()
    from lightning_module.tracking.run_folder import RunFolder

    run = mlflow_run(RunFolder(folder))
    assert run.info.status == "FAILED"
    assert "the roof is on fire" in run.data.tags["ended_by"]


def test_config_of_the_weights_reaches_the_loss(faces, model_file, tmp_path):
    run = fit(
        faces, model_file, tmp_path, "--config", str(PROJECT / "conf" / "unweighted.yaml"), "--trainer.max_epochs=1"
    )
    assert weights(run)["weight_map"].unique().tolist() == [0, 1]
    assert mlflow_run(run).info.run_name == "1-1-1-1-0 s0"


@pytest.mark.parametrize("name", ["default", "gpu", "overfit", "paper", "profile", "real10", "trial", "unweighted"])
def test_every_config_is_accepted(name, capsys):
    with pytest.raises(SystemExit) as done:
        main(["fit", "--config", str(PROJECT / "conf" / f"{name}.yaml"), "--print_config"])
    assert done.value.code == 0
    assert "weights" in yaml.safe_load(capsys.readouterr().out)["model"]


def test_paper_yaml_is_the_published_network():
    config = yaml.safe_load((PROJECT / "conf" / "paper.yaml").read_text())["model"]
    network = Hourglass(**config.pop("network")["init_args"])
    module = FaceModule(network, **config)
    assert (module.map_size, network._tail) == (256, "published")
    assert sum(parameter.numel() for parameter in module.parameters()) == 13_353_618


_SYNTHETIC = [
    "--data.synthetic.samples=12",
    "--data.synthetic.test_samples=6",
    "--data.synthetic.image_size=64",
    "--data.synthetic.validation_samples=6",
]


@pytest.mark.parametrize("stream", ["false", "true"])
def test_a_bare_fit_trains_on_synthetic_faces_and_says_so(stream, tmp_path, capsys):
    arguments = ["fit", *TINY, *_SYNTHETIC, f"--data.synthetic.stream={stream}", f"--tracking.folder={tmp_path}"]
    result = main(arguments)
    assert result.reports["test"]["nme"].counts == {"yaw_00_30": 2, "yaw_30_60": 2, "yaw_60_90": 2}
    assert result.reports["test"]["nme_mean_map"].mean_of_bins > 10
    printed = capsys.readouterr().out
    assert "test on faces by formula (synthetic)" in printed
    assert "always the mean map" in printed
    assert "Shi et al." not in printed
    assert mlflow_run(result.folder).data.tags["dataset.test"] == "faces by formula (synthetic)"


def test_a_network_of_synthetic_faces_is_tested_on_another_face_model(faces, model_file, tmp_path):
    """The 68 landmarks can be judged; texels that mean other points cannot."""
    fitted = main(["fit", *TINY, *_SYNTHETIC, f"--tracking.folder={tmp_path}"])
    result = main(
        [
            "test",
            f"--ckpt_path={fitted.folder.last_checkpoint}",
            f"--data.test_root={faces}",
            f"--data.morphable_model={model_file}",
            "--data.num_workers=0",
            f"--tracking.folder={tmp_path}",
            "--trainer.accelerator=cpu",
            "--trainer.enable_progress_bar=false",
        ]
    )
    assert set(result.reports["test"]) == {"nme", "nme_3d_mean_z", "nme_3d_rigid", "nme_3d_similarity", "nme_mean_map"}


def _start(arguments, cwd):
    return subprocess.Popen(
        [sys.executable, str(PROJECT / "run.py"), *arguments],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_a_checkpoint_is_kept_only_when_its_epochs_figures_are(faces, model_file, tmp_path, monkeypatch):
    known, keep = [], LastCheckpoint._keep

    def watched(self, trainer):
        if not self._is_kept:
            known.append(self._path.with_name("journal.jsonl").read_text().count('"train/loss"'))
        keep(self, trainer)

    monkeypatch.setattr(LastCheckpoint, "_keep", watched)
    fit(faces, model_file, tmp_path, "--trainer.max_epochs=3", "--tracking.checkpoint_seconds=0")
    assert known == [1, 2, 3]  # or a kill between the two would lose them


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_killed_fit_goes_on_and_ends_in_the_same_weights(seed, faces, model_file, tmp_path):
    epochs = ["--trainer.max_epochs=60", "--data.num_workers=1", "--tracking.checkpoint_seconds=0"]
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
    expected = history(whole)
    assert {name: history(rest)[name] for name in expected} == expected
