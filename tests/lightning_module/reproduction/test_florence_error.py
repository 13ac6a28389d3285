"""The error of surfaces on pictures of scans, where scans are among the downloads."""

import shutil

import numpy as np
import pytest

from datamodules.errors import InputError
from datamodules.files.downloads import list_downloads
from datamodules.files.mesh_files import read_mesh
from datamodules.geometry.landmarks import OUTER_EYE_CORNERS
from lightning_module.reproduction import florence_error
from lightning_module.reproduction.florence_error import florence_sentence, measure_florence
from lightning_module.reproduction.florence_scans import collect_predictions, find_florence
from run import main
from tests.fakes import write_faces
from tests.lightning_module.inference.truth import run_truth, true_maps


@pytest.fixture(scope="module")
def predicted(model_file, tmp_path_factory):
    """A schematic face, and what `predict` writes for its picture if the network is right."""
    folder = write_faces(tmp_path_factory.mktemp("scan") / "pictures", [0.0], ["subject_01"])
    run_truth((folder, *true_maps(folder, model_file)), folder.with_name("faces"))
    return folder.with_name("faces")


@pytest.fixture(scope="module")
def scans(predicted, tmp_path_factory):
    """The same face as a scan in millimetres, with its landmarks and a picture."""
    folder, collected = tmp_path_factory.mktemp("Florence"), predicted.with_name("collected")
    collect_predictions(predicted, ["subject_01"], collected)
    mesh, landmarks = read_mesh(collected / "subject_01.obj"), np.load(collected / "subject_01.npy")
    millimetres = 90 / np.linalg.norm(np.subtract(*landmarks[OUTER_EYE_CORNERS]))
    lines = [f"v {x} {y} {z}" for x, y, z in mesh.vertices * millimetres]
    lines += [f"f {a} {b} {c}" for a, b, c in mesh.triangles + 1]
    (folder / "subject_01.obj").write_text("\n".join(lines))
    np.save(folder / "subject_01.npy", landmarks * millimetres)
    (folder / "subject_01.jpg").write_bytes(b"\xff\xd8")
    return find_florence(list_downloads(folder).files)


def test_a_right_network_has_no_error(scans, predicted, tmp_path, monkeypatch):
    commands = []

    def run_command(arguments):
        commands.append(arguments[0])
        if arguments[0] == "predict":
            shutil.copytree(predicted, tmp_path / "faces")
            return None
        return main([*arguments, "--no_log"])

    monkeypatch.setattr(florence_error, "main", run_command)
    outcome = measure_florence(scans, tmp_path / "best.ckpt", "16:5:4:3:0", tmp_path, tmp_path / "tracking")
    assert commands == ["predict", "evaluate-meshes"]
    assert outcome["scans"] == 1
    assert outcome["percent"] < 0.05
    assert "Mean error of 16:5:4:3:0 on pictures of 1 scans: 0.0" in florence_sentence(outcome)


def test_without_scans_the_page_says_so():
    assert "not among the downloads" in florence_sentence(None)


def test_a_picture_without_a_face_is_named(predicted, tmp_path):
    with pytest.raises(InputError, match=r"holds no single face of subject_02\.jpg"):
        collect_predictions(predicted, ["subject_02"], tmp_path / "out")
