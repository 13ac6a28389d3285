"""`run.py evaluate`: landmarks that any method has predicted, under the project's protocols."""

import json
import socket

import numpy as np
import pytest
import torch
from scipy.io import savemat

from datamodules.errors import InputError
from lightning_module.evaluation.nme import NMEReport, landmark_nme
from lightning_module.tracking.run_folder import RunFolder
from run import main
from tests.runs import mlflow_run


@pytest.fixture
def files(tmp_path):
    """Predictions, truth and yaw of thirty faces, in three shapes and formats."""
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(30, 68, 3)) * [40, 50, 30] + 225
    found = truth + rng.normal(size=truth.shape) * 3
    yaw = np.linspace(-85, 85, 30)
    np.savez(tmp_path / "found.npz", landmarks=found)
    savemat(tmp_path / "truth.mat", {"pts": truth.transpose(0, 2, 1)})
    np.save(tmp_path / "yaw.npy", yaw[:, None])
    return found, truth, yaw


def _evaluate(tmp_path, *more, predictions="found.npz", yaw="yaw.npy"):
    return main(
        [
            "evaluate",
            f"--predictions={tmp_path / predictions}",
            f"--landmarks={tmp_path / 'truth.mat'}",
            f"--yaw={tmp_path / yaw}",
            f"--tracking.folder={tmp_path}",
            *more,
        ]
    )


def test_figures_that_cannot_be_kept_are_not_computed(files, tmp_path, capsys):
    for place in (tmp_path / "nowhere" / "figures.json", tmp_path):
        with pytest.raises(InputError, match=r"cannot be written \(.*\)\. Set --json"):
            _evaluate(tmp_path, f"--json={place}")
    assert capsys.readouterr().out == ""
    assert not (tmp_path / "runs").exists()


def test_another_methods_landmarks_stand_in_the_same_tables(files, tmp_path, capsys):
    found, truth, yaw = files
    record = _evaluate(tmp_path, f"--json={tmp_path / 'figures.json'}", "--name=theirs", "--dataset=My Faces")
    expected = NMEReport(landmark_nme(torch.from_numpy(found), torch.from_numpy(truth)), torch.from_numpy(yaw))
    torch.testing.assert_close(record.reports["nme"].per_face, expected.per_face)
    assert "theirs on My Faces" in capsys.readouterr().out
    figures = json.loads((tmp_path / "figures.json").read_text())["protocols"]
    assert figures["nme"]["figures"]["mean_of_bins"] == pytest.approx(expected.mean_of_bins)
    assert set(figures) == {"nme", "nme_3d_mean_z", "nme_3d_rigid", "nme_3d_similarity"}
    (folder,) = (tmp_path / "runs").iterdir()

    run = mlflow_run(RunFolder(folder))
    assert (run.info.run_name, run.info.status, run.data.tags["method"]) == ("theirs", "FINISHED", "theirs")
    assert run.data.metrics["test/nme/mean"] == pytest.approx(expected.mean_of_bins)
    assert run.data.metrics["test/my-faces/nme_3d_rigid/mean"] > 0


def test_no_log_leaves_no_run(files, tmp_path):
    _evaluate(tmp_path, "--no_log")
    assert not (tmp_path / "runs").exists()


def test_flat_landmarks_give_the_flat_protocol_and_81_their_own(files, tmp_path):
    found, truth, _ = files
    np.save(tmp_path / "flat.npy", found[..., :2].transpose(0, 2, 1))
    assert list(_evaluate(tmp_path, "--no_log", predictions="flat.npy").reports) == ["nme"]
    rng = np.random.default_rng(1)
    more = rng.normal(size=(30, 13, 3))
    savemat(tmp_path / "truth.mat", {"pts": np.concatenate([truth, more], axis=1)})
    np.save(tmp_path / "found81.npy", np.concatenate([found, more + 5], axis=1))
    assert "nme_81" in _evaluate(tmp_path, "--no_log", predictions="found81.npy").reports


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda p: p + np.array([1, 1, 0]), "do the predictions count pixels from 1"),
        (lambda p: p - np.array([1, 1, 0]), "do the true landmarks count pixels from 1"),
        (lambda p: p * [1, -1, 1] + np.array([0, 449, 0]), "count from the bottom"),
        (lambda p: p * 0.57, "0.57 times as large"),
        (lambda p: p * [1, 1, -1], "z of the predictions has the opposite sign"),
        (lambda p: p * [1, 1, 100], "times as much as that"),
        (lambda p: np.roll(p, -1, axis=0), "in another order"),
    ],
)
def test_what_looks_wrong_is_said(files, tmp_path, caplog, change, said):
    rng = np.random.default_rng(2)
    np.save(tmp_path / "odd.npy", change(files[1]) + rng.normal(size=files[1].shape))
    _evaluate(tmp_path, "--no_log", predictions="odd.npy")
    assert said in caplog.text


def test_nothing_is_said_of_ordinary_errors(files, tmp_path, caplog):
    _evaluate(tmp_path, "--no_log")
    assert not caplog.messages


def _nan(points):
    points = points.copy()
    points[4, 2, 1] = np.nan
    return points


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (lambda f: f[:20], r"holds 20 faces, the ground truth .*truth.mat 30"),
        (lambda f: f[:, :60], r"holds an array of \(30, 60, 3\)"),
        (_nan, r"the landmarks of face 4 \(counted from 0; 1 in all\) hold NaN"),
        (lambda f: f[0], r"holds an array \(68, 3\); it must hold exactly one array of"),
    ],
)
def test_bad_predictions_get_one_line(files, tmp_path, content, message):
    np.save(tmp_path / "bad.npy", content(files[0]))
    with pytest.raises(InputError, match=f"bad.npy: .*{message}"):
        _evaluate(tmp_path, predictions="bad.npy")


def test_bad_files_get_one_line(files, tmp_path):
    (tmp_path / "broken.npz").write_bytes(b"PK\x03\x04 no archive")
    np.save(tmp_path / "pickled.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    (tmp_path / "points.csv").write_text("1,2")
    (tmp_path / "empty.mat").write_bytes(b"")
    np.savez(tmp_path / "scalar.npz", n=3)
    for name, message in (
        ("broken.npz", "cannot be read"),
        ("pickled.npy", "cannot be read"),
        ("empty.mat", "cannot be read"),
        ("scalar.npz", "must hold exactly one"),
        ("points.csv", "is no .npy, .npz or .mat"),
        ("none.npy", "no such file"),
    ):
        with pytest.raises(InputError, match=f"{name}: .*{message}"):
            _evaluate(tmp_path, predictions=name)


def test_yaw_in_radians_is_refused_unless_it_is_said(files, tmp_path):
    np.save(tmp_path / "radians.npy", np.deg2rad(files[2]))
    with pytest.raises(InputError, match=r"radians.npy: no yaw is beyond 1.48, which looks like radians"):
        _evaluate(tmp_path, yaw="radians.npy")
    in_radians = _evaluate(tmp_path, "--yaw_unit=radians", "--no_log", yaw="radians.npy")
    assert in_radians.reports["nme"].counts == _evaluate(tmp_path, "--no_log").reports["nme"].counts
    np.save(tmp_path / "few.npy", files[2][:3])
    with pytest.raises(InputError, match="holds 3 numbers for 30 faces"):
        _evaluate(tmp_path, yaw="few.npy")


def test_an_ui_without_runs_or_on_a_taken_port_is_refused(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI")

    with pytest.raises(InputError, match="holds no runs yet"):
        main(["ui", f"--tracking.folder={tmp_path}"])
    (tmp_path / "mlflow.db").touch()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=f"--port {port} cannot be used"):
            main(["ui", f"--port={port}", f"--tracking.folder={tmp_path}"])
