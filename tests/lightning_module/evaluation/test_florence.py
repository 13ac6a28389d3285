"""A face that was turned, moved, scaled and thinned out comes back."""

import numpy as np
import pytest
import trimesh
from scipy.spatial.transform import Rotation

from datamodules.errors import InputError
from datamodules.geometry.textured_mesh import Mesh
from datamodules.synthetic.head_model import grid_triangles, synthetic_model
from lightning_module.evaluation import florence
from lightning_module.evaluation.florence import reconstruction_error
from run import main


@pytest.fixture(autouse=True)
def _few_points(monkeypatch):
    """ICP with an eighth of its points ends in the same place, to 2 % of the errors below, in a fifth of the time."""
    monkeypatch.setattr(florence, "_POINTS", 250)


@pytest.fixture(scope="module")
def face():
    """Truth, its landmarks, and a copy with a quarter of the vertices."""
    model = synthetic_model()
    sheet = model.sheet.points
    thin = sheet[::2, ::2]
    truth = Mesh(sheet.reshape(-1, 3), model.face.triangles.astype(np.int64))
    return (
        truth,
        truth.vertices[model.face.landmark_vertices],
        Mesh(thin.reshape(-1, 3), grid_triangles(*thin.shape[:2]).astype(np.int64)),
    )


def _moved(mesh, angles_deg, scale=1.0):
    rotation = Rotation.from_euler("yxz", angles_deg, degrees=True)
    return Mesh(scale * rotation.apply(mesh.vertices) + [20, -10, 30], mesh.triangles)


@pytest.mark.parametrize("angles_deg", [(30, 0, 0), (-30, 0, 0), (0, 30, 0), (0, 0, 30), (17, -17, 17)])
def test_a_face_turned_by_thirty_degrees_comes_back(face, angles_deg):
    truth, landmarks, thin = face
    assert reconstruction_error(_moved(thin, angles_deg), truth, landmarks, has_scale=False) < 0.1


def test_scale_is_free_or_counts(face):
    truth, landmarks, thin = face
    larger = _moved(thin, (10, 0, 0), scale=1.1)
    assert reconstruction_error(larger, truth, landmarks) < 0.1
    assert reconstruction_error(larger, truth, landmarks, has_scale=False) > 0.5


def test_landmarks_bring_back_what_was_turned_right_round(face):
    truth, landmarks, thin = face
    angles = (150, 40, 0)
    marks = _moved(Mesh(landmarks, thin.triangles), angles).vertices
    assert reconstruction_error(_moved(thin, angles), truth, landmarks, marks) < 0.1


def test_a_dent_is_measured(face):
    truth, landmarks, thin = face
    dented = thin.vertices.copy()
    near = np.linalg.norm(dented - landmarks[30], axis=1) < 25
    dented[near, 2] -= 5
    assert reconstruction_error(Mesh(dented, thin.triangles), truth, landmarks) > 0.3


def test_a_hole_costs_what_is_missing(face):
    truth, landmarks, thin = face
    cheek = (landmarks[2] + landmarks[31]) / 2
    far = np.linalg.norm(thin.vertices - cheek, axis=1) > 25
    holed = Mesh(thin.vertices, thin.triangles[far[thin.triangles].all(axis=1)])
    whole = reconstruction_error(thin, truth, landmarks, landmarks, has_scale=False)
    assert reconstruction_error(holed, truth, landmarks, landmarks, has_scale=False) > whole + 0.2


def test_metres_are_refused(face):
    truth, landmarks, thin = face
    with pytest.raises(ValueError, match="where millimetres would be about 90"):
        reconstruction_error(thin, Mesh(truth.vertices / 1000, truth.triangles), landmarks / 1000)


@pytest.mark.slow
def test_only_what_lies_within_the_radius_counts(face):
    truth, landmarks, thin = face
    spoiled = thin.vertices.copy()
    far = np.linalg.norm(spoiled - landmarks[30], axis=1) > 120
    spoiled[far] += [0, 0, -30]
    whole, spoiled_one = (
        [reconstruction_error(mesh, truth, landmarks, landmarks, radius) for radius in (60, 160)]
        for mesh in (thin, Mesh(spoiled, thin.triangles))
    )
    assert spoiled_one[0] == pytest.approx(whole[0], abs=0.002)
    assert spoiled_one[1] > whole[1] + 0.5
    with pytest.raises(ValueError, match="no vertex lies within"):
        reconstruction_error(thin, truth, landmarks + 1000)


@pytest.fixture
def folders(face, tmp_path):
    truth, landmarks, thin = face
    for folder in ("true", "found"):
        (tmp_path / folder).mkdir()
    for name in ("a", "b"):
        trimesh.Trimesh(*truth, process=False).export(tmp_path / "true" / f"{name}.ply")
        np.save(tmp_path / "true" / f"{name}.npy", landmarks)
        trimesh.Trimesh(*_moved(thin, (10, 0, 0)), process=False).export(tmp_path / "found" / f"{name}.obj")
    return tmp_path


def _evaluate(folder, *more):
    return main(["evaluate-meshes", str(folder / "found"), str(folder / "true"), f"--tracking.folder={folder}", *more])


def test_folders_of_meshes_are_judged(folders, capsys):
    record = _evaluate(folders, "--no_log", f"--json={folders / 'figures.json'}")
    assert record.reports["reconstruction_icp"].per_face.max() < 0.1
    said = capsys.readouterr().out
    assert "Radius 95" in said
    assert "found on true" in said
    other = _evaluate(folders, "--no_log", "--radius=60", "--has_scale=false")
    assert other.dataset == "true, radius 60, scale kept"
    assert "point to plane" in (folders / "figures.json").read_text()


def test_bad_meshes_get_one_line(folders):
    (folders / "found" / "b.obj").write_text("v 0 0 0\nv 1 1 1\n")
    with pytest.raises(InputError, match=r"b.obj: "):
        _evaluate(folders, "--no_log")
    (folders / "found" / "b.obj").unlink()
    with pytest.raises(InputError, match=r"found: holds no mesh b \(1 missing"):
        _evaluate(folders, "--no_log")
    np.save(folders / "true" / "a.npy", np.zeros((68, 2)))
    (folders / "true" / "b.ply").unlink()
    with pytest.raises(InputError, match=r"a.npy: .*are \(68, 3\)"):
        _evaluate(folders, "--no_log")
    with pytest.raises(InputError, match="there is no such folder"):
        main(["evaluate-meshes", str(folders / "none"), str(folders / "true")])
