"""`run.py test` and `validate`: a checkpoint on one data set or several, in the run that trained it or in one of its own."""

import json
import re
import shutil
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from datamodules.errors import InputError
from datamodules.files.bfm import write_morphable_model
from datamodules.files.face_mat import read_face_mat
from lightning_module.callbacks.map_writer import MapWriter
from lightning_module.evaluation.evaluation_record import read_record
from lightning_module.evaluation.stage_figures import StepOutput
from run import main
from tests.fakes import fake_model, write_faces
from tests.runs import SYNTHETIC, TINY, copied, history, mlflow_run


@pytest.fixture
def run(trained_run, tmp_path):
    """A copy of the trained run's folder, to add to."""
    return copied(trained_run, tmp_path)


def _test(run, root, model_file, *more):
    return main(
        [
            "test",
            f"--ckpt_path={run.best_checkpoint}",
            f"--data.test.root={root}",
            "--data.num_workers=0",
            f"--data.face_model.path={model_file}",
            f"--tracking.folder={run.path.parents[1]}",
            *more,
        ]
    )


def test_test_and_validate_repeat_the_figures_of_the_fit(trained_run, faces, model_file, tmp_path, capsys):
    where = [
        f"--data.root={faces}",
        f"--data.test.root={faces}",
        f"--data.face_model.path={model_file}",
        "--data.val_fraction=0.3",
        "--data.num_workers=0",
        f"--tracking.folder={tmp_path}",
        f"--ckpt_path={shutil.copy(trained_run.best_checkpoint, tmp_path / 'network.ckpt')}",
    ]
    for command in ("test", "validate"):
        result = main([command, *where])
        stage, place = ("val", "val") if command == "validate" else ("test", "test/faces")
        figures = history(result.folder)
        assert mlflow_run(result.folder).info.status == "FINISHED"
        best = min(value for (name, _), value in history(trained_run).items() if name == f"{stage}/nme/mean")
        assert [value for (name, _), value in figures.items() if name == f"{place}/nme/mean"] == [best]
    assert re.search(r"test on faces, epoch \d+\s", capsys.readouterr().out)  # without a length, which is that of fits


def test_a_network_can_be_tested_on_faces_of_another_topology(trained_run, faces, tmp_path):
    other = fake_model()
    stretched = other.uv.copy()
    stretched[:, 1] **= 1.2  # the same surface on other texels
    write_morphable_model(replace(other, uv=stretched), tmp_path / "BFM.mat")
    network = shutil.copy(trained_run.best_checkpoint, tmp_path / "network.ckpt")
    result = main(
        [
            "test",
            f"--ckpt_path={network}",
            f"--data.test.root={faces}",
            f"--data.face_model.path={tmp_path / 'BFM.mat'}",
            f"--tracking.folder={tmp_path}",
        ]
    )
    metrics = mlflow_run(result.folder).data.metrics
    assert metrics["test/faces/nme/mean"] == pytest.approx(history(trained_run)["test/nme/mean", 6], rel=1e-4)
    assert not any("dense" in name or "mouth" in name or "loss" in name for name in metrics)


def test_a_network_of_synthetic_faces_is_tested_on_another_face_model(faces, model_file, tmp_path):
    """The 68 landmarks can be judged; texels that mean other points cannot."""
    fitted = main(["fit", *TINY, *SYNTHETIC, f"--tracking.folder={tmp_path}"])
    result = main(
        [
            "test",
            f"--ckpt_path={fitted.folder.last_checkpoint}",
            f"--data.test.root={faces}",
            f"--data.face_model.path={model_file}",
            "--data.num_workers=0",
            f"--tracking.folder={tmp_path}",
            "--trainer.accelerator=cpu",
            "--trainer.enable_progress_bar=false",
        ]
    )
    assert set(result.reports["test"]) == {"nme", "nme_3d_mean_z", "nme_3d_rigid", "nme_3d_similarity", "nme_mean_map"}


def test_a_test_adds_to_the_run_that_trained_the_network(run, model_file, tmp_path):
    root = write_faces(tmp_path / "Other Faces", [0.0, 20, 40, 50, 70, 80])
    before = history(run)
    config = run.config.read_text()
    result = _test(run, root, model_file)
    assert result.folder.path == run.path
    assert run.config.read_text() == config
    added = {name: value for (name, step), value in history(run).items() if (name, step) not in before}
    assert all(name.startswith("test/other-faces/") for name in added)
    assert added["test/other-faces/nme/mean"] == pytest.approx(result.reports["test"]["nme"].mean_of_bins)
    assert {name: history(run)[name] for name in before} == before  # the fit's own test stays
    seen = mlflow_run(run)
    assert seen.info.status == "FINISHED"
    assert seen.data.tags["command"] == "fit"
    assert seen.data.tags["dataset.test"] == "faces"
    assert seen.data.tags["test.other-faces.checkpoint"].startswith("best.ckpt ")
    assert len(seen.data.tags["test.other-faces.fingerprint"]) == 16
    rows = json.loads((run.path / "nme_by_yaw.json").read_text())["data"]
    assert {row[1] for row in rows if row[0] == "test"} == {"faces", "Other Faces"}
    record = read_record(run.path / "evaluation" / "other-faces.json")
    assert torch.equal(record.reports["nme"].per_face, result.reports["test"]["nme"].per_face)


def test_a_test_while_the_fit_is_at_work_is_a_run_of_its_own(run, faces, model_file):
    lock = run.lock()
    result = _test(run, faces, model_file)
    lock.close()
    assert result.folder.path != run.path


def _keys(root):
    return sorted(path.stem for path in root.glob("*.mat"))


def _own_landmarks(root):
    """(N, 3, 68) as AFLW2000-3D's files hold them: counted from 1."""
    points = [read_face_mat(root / f"{key}.mat").landmarks_image_px for key in _keys(root)]
    return np.stack(points).transpose(0, 2, 1) + np.array([1, 1, 0])[:, None]


def test_other_landmarks_that_are_the_same_give_the_same_figures(run, faces, model_file, tmp_path, caplog):
    np.save(tmp_path / "again.npy", _own_landmarks(faces))
    own = _test(run, faces, model_file).reports["test"]
    other = _test(
        run, faces, model_file, f"--data.test.landmarks={tmp_path / 'again.npy'}", "--data.test.landmarks_first_pixel=1"
    ).reports["test"]
    assert list(other) == list(own)
    torch.testing.assert_close(other["nme"].per_face, own["nme"].per_face, rtol=1e-4, atol=1e-4)
    assert "size from" not in caplog.text
    assert any(name == "test/faces-again/nme/mean" for name, _ in history(run))


def test_landmarks_without_depth_give_no_figures_in_depth_and_strangers_are_named(
    run, faces, model_file, tmp_path, caplog
):
    points = _own_landmarks(faces)[:, :2]
    points[3] += 60
    np.save(tmp_path / "flat.npy", points)
    reports = _test(run, faces, model_file, f"--data.test.landmarks={tmp_path / 'flat.npy'}").reports["test"]
    assert "nme" in reports
    assert not any(name.startswith("nme_3d") for name in reports)
    assert f"{_keys(faces)[3]} (" in caplog.text


@pytest.mark.slow
def test_another_network_of_the_run_or_other_data_of_the_name_do_not_take_its_records_place(
    run, faces, model_file, tmp_path
):
    own = _test(run, faces, model_file)
    assert own.folder.path == run.path
    shutil.copy(run.last_checkpoint, run.path / "other.ckpt")
    result = main(
        [
            "test",
            f"--ckpt_path={run.path / 'other.ckpt'}",
            f"--data.test.root={faces}",
            "--data.num_workers=0",
            f"--data.face_model.path={model_file}",
            f"--tracking.folder={tmp_path}",
        ]
    )
    assert result.folder.path != run.path
    elsewhere = write_faces(tmp_path / "elsewhere" / faces.name, [0.0, 40, 80])
    assert _test(run, elsewhere, model_file).folder.path != run.path


def test_the_hold_out_of_a_data_set_is_what_validated(run, faces, model_file):
    result = _test(run, faces, model_file, "--data.val_fraction=0.3", "--data.test.holdout=true")
    held_out = len(result.reports["test"]["nme"].per_face)
    assert 0 < held_out < 12
    assert any(name == "test/faces-hold-out/nme/mean" for name, _ in history(run))


def test_rows_of_another_folder_are_refused(run, faces, model_file, tmp_path):
    np.save(tmp_path / "short.npy", _own_landmarks(faces)[1:])
    with pytest.raises(InputError, match=r"short.npy: holds 11 faces, .* 12 samples"):
        _test(run, faces, model_file, f"--data.test.landmarks={tmp_path / 'short.npy'}")


def test_a_test_writes_a_map_of_each_face(run, faces, model_file, tmp_path, capsys):
    _test(run, faces, model_file, f"--maps={tmp_path / 'maps'}")
    assert f"Position maps: {tmp_path / 'maps'}\n" in capsys.readouterr().out
    maps = {path.stem: np.load(path) for path in (tmp_path / "maps").glob("*.npy")}
    assert maps.keys() == set(_keys(faces))
    assert {(array.shape, array.dtype.name) for array in maps.values()} == {((256, 256, 3), "float32")}
    assert 80 < np.mean([array[..., :2].mean() for array in maps.values()]) < 180  # in the pixels of the crop


def test_each_map_is_written_under_the_name_of_its_face(tmp_path):
    maps = torch.rand(2, 3, 256, 256)
    batch = SimpleNamespace(key=["IBUG/one", "two"])
    MapWriter(tmp_path).on_test_batch_end(None, None, StepOutput(None, None, maps), batch, 0)
    for key, position_map in zip(batch.key, maps, strict=True):
        assert np.array_equal(np.load(tmp_path / f"{key}.npy"), position_map.permute(1, 2, 0).numpy())
