"""What a fit leaves: figures, files and tags."""

import json
from pathlib import Path

import pytest
import torch
import yaml

from lightning_module.checkpoint import load_module
from lightning_module.face_module import FaceModule
from lightning_module.networks.hourglass import Hourglass
from lightning_module.tracking.run_folder import RunFolder
from run import main
from tests.fakes import write_faces
from tests.runs import PROJECT, SYNTHETIC, TINY, fit, history, mlflow_run, weights


def test_a_run_in_mlflow_says_all_that_repeats_and_compares_it(trained_run):
    run = mlflow_run(trained_run)
    assert (run.info.run_name, run.info.status) == ("16-5-4-3-0 s0", "FINISHED")
    assert {"weights.landmarks": "16.0", "seed": "0", "base_channels": "2"}.items() <= run.data.params.items()
    assert {"data.batch_size", "trainer.max_epochs", "lr"} <= run.data.params.keys()
    assert not any("instantiator" in name or "/" in name for name in run.data.params)
    assert {
        "version.torch",
        "fingerprint.data",
        "fingerprint.morphable_model",
        "dataset.test",
        "ratio",
        "rendered_faces",
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


def test_a_run_leaves_its_artifacts(trained_run):
    artifacts = Path(mlflow_run(trained_run).info.artifact_uri.removeprefix("file://"))
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
    assert all((artifacts / picture).stat().st_size > 5000 for picture in pictures)
    table = json.loads((artifacts / "nme_by_yaw.json").read_text())
    assert {row[table["columns"].index("stage")] for row in table["data"]} == {"val", "test"}


def test_an_empty_bin_is_a_count_and_no_figure(model_file, tmp_path):
    root = write_faces(tmp_path / "frontal", [0.0, 3, 6, 9, 12, 50, 40, 45])
    run = fit(
        root,
        model_file,
        tmp_path / "mlruns",
        f"--data.test.root={root}",
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


def test_a_checkpoint_alone_is_enough(trained_run):
    module = load_module(trained_run.best_checkpoint)
    with torch.no_grad():
        maps = module(torch.rand(2, 3, 32, 32))
    assert maps.shape == (2, 3, 256, 256)
    assert module.landmark_texels[:, 0].max() > 0
    assert set(module.regions.unique().tolist()) == {2, 3, 4, 5}
    assert module.weight_map[module.weight_map > 0].mean() == pytest.approx(1, abs=1e-5)


def test_a_last_batch_of_one_face_is_left_to_another_epoch(model_file, tmp_path):
    root = write_faces(tmp_path / "data", [0.0] * 5)
    run = fit(root, model_file, tmp_path, "--data.val_fraction=0", "--trainer.max_epochs=1")
    assert ("train/loss", 0) in history(run)


def test_a_failed_run_says_why(faces, model_file, tmp_path, monkeypatch):
    def fail(self, batch, batch_idx):
        raise RuntimeError("the roof is on fire")

    monkeypatch.setattr(FaceModule, "training_step", fail)
    with pytest.raises(RuntimeError):
        fit(faces, model_file, tmp_path)
    (folder,) = (tmp_path / "runs").iterdir()

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
def test_every_config_is_accepted_under_the_names_of_today(name, capsys, caplog):
    with pytest.raises(SystemExit) as done:
        main(["fit", "--config", str(PROJECT / "conf" / f"{name}.yaml"), "--print_config"])
    assert done.value.code == 0
    assert yaml.safe_load(capsys.readouterr().out)["model"]["network"]["init_args"]["map_size"] >= 32
    assert "earlier version" not in caplog.text


def test_paper_yaml_is_the_published_network():
    config = yaml.safe_load((PROJECT / "conf" / "paper.yaml").read_text())["model"]
    network = Hourglass(**config.pop("network")["init_args"])
    module = FaceModule(network, **config)
    assert (module.map_size, network._tail) == (256, "published")
    assert sum(parameter.numel() for parameter in module.parameters()) == 13_353_618


@pytest.mark.parametrize("stream", ["false", "true"])
def test_a_bare_fit_trains_on_synthetic_faces_and_says_so(stream, tmp_path, capsys):
    arguments = ["fit", *TINY, *SYNTHETIC, f"--data.synthetic.stream={stream}", f"--tracking.folder={tmp_path}"]
    result = main(arguments)
    assert result.reports["test"]["nme"].counts == {"yaw_00_30": 2, "yaw_30_60": 2, "yaw_60_90": 2}
    assert result.reports["test"]["nme_mean_map"].mean_of_bins > 10
    printed = capsys.readouterr().out
    assert "test on faces by formula (synthetic)" in printed
    assert "always the mean map" in printed
    assert "Shi et al." not in printed
    assert mlflow_run(result.folder).data.tags["dataset.test"] == "faces by formula (synthetic)"
