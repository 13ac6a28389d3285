"""Other systems on a test set: landmarks that they have written, and face-alignment itself."""

import re
import shutil

import numpy as np
import pytest
from scipy.io import loadmat

from datamodules.errors import InputError
from datamodules.files.face_mat import read_face_mat
from datamodules.files.landmark_formats import LANDMARK_FORMATS
from lightning_module.inference.systems.evaluate_command import evaluate
from lightning_module.inference.systems.nearest_face import landmark_box
from lightning_module.tracking.run_folder import RunFolder
from run import main
from tests.fakes import write_faces
from tests.runs import PROJECT, mlflow_run

FROM_1 = np.array([1, 1, 0])
RIGHT = np.array([1, 0, 0])
YAWS = [-70.0, -40.0, -10.0, 5.0, 35.0, 80.0]


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    return write_faces(tmp_path_factory.mktemp("faces"), YAWS)


@pytest.fixture(scope="module")
def truth(faces):
    """(6, 68, 3) in 0-based pixels."""
    return np.stack([read_face_mat(path).landmarks_image_px for path in sorted(faces.glob("*.mat"))]).astype(float)


def _evaluate(faces, *more):
    return main(["evaluate", f"--data.test.root={faces}", *map(str, more)])


def _nme(record):
    return record.reports["nme"].per_face.numpy()


def _write(folder, truth, face=0, shift=0):
    """As main.py --dump_pts of 3DDFA does, which counts from 1."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, points in enumerate(truth):
        np.savetxt(folder / f"image{number:05d}_{face}.txt", (points + FROM_1 + shift * RIGHT).T, fmt="%.3f")


def test_what_was_recognised_and_assumed_is_said(faces, truth, tmp_path, capsys):
    _write(tmp_path / "theirs", truth)
    record = _evaluate(faces, f"--predictions={tmp_path / 'theirs'}", "--no_log")
    np.testing.assert_allclose(_nme(record), 0, atol=2e-3)
    assert record.reports["nme"].yaw_deg.numpy() == pytest.approx(YAWS, abs=1e-4)
    assert record.fingerprint
    said = capsys.readouterr().out
    assert (
        f"{tmp_path / 'theirs'}: recognised as 3ddfa, 3DDFA (v1), (3, 68) as text in <photograph>_<face>.txt: (3, 68) per "
        "face; y downwards, counted from 1 (assumed:"
    ) in said
    assert f"{faces}: true landmarks counted from 0" in said


def test_the_test_set_may_lie_in_a_zip_file(faces, truth, tmp_path):
    _write(tmp_path / "theirs", truth)
    archive = shutil.make_archive(str(tmp_path / "AFLW2000-3D"), "zip", faces.parent, faces.name)
    record = _evaluate(archive, f"--predictions={tmp_path / 'theirs'}", "--no_log")
    np.testing.assert_allclose(_nme(record), 0, atol=2e-3)
    assert record.dataset == "AFLW2000-3D"


def test_the_first_pixel_can_be_given(faces, truth, tmp_path, capsys):
    _write(tmp_path, truth)
    record = _evaluate(faces, f"--predictions={tmp_path}", "--predictions_first_pixel=0", "--no_log")
    sizes = np.sqrt(np.ptp(truth[..., :2], axis=1).prod(axis=1))
    np.testing.assert_allclose(_nme(record), 100 * np.sqrt(2) / sizes, rtol=1e-3)
    assert "counted from 0 (--predictions_first_pixel)" in capsys.readouterr().out


def test_of_several_faces_the_one_on_the_true_face_counts(faces, truth, tmp_path, capsys):
    _write(tmp_path, truth, face=0, shift=70)
    _write(tmp_path, truth, face=1, shift=1)
    _write(tmp_path, truth[:2], face=2, shift=-30)
    record = _evaluate(faces, f"--predictions={tmp_path}", "--no_log")
    sizes = np.sqrt(np.ptp(truth[..., :2], axis=1).prod(axis=1))
    np.testing.assert_allclose(_nme(record), 100 / sizes, rtol=1e-3)
    assert "6 of 6 photographs have several faces: the one counts whose box" in capsys.readouterr().out


def test_a_file_of_3ddfas_landmarks_counts_from_1_and_others_from_0(truth, tmp_path, capsys):
    np.save(tmp_path / "v2.npy", (truth - [[[0, 0, 1]]] * truth[..., 2].min(axis=1)[:, None, None]).transpose(0, 2, 1))
    np.save(tmp_path / "AFLW2000-3D.pts68.npy", (truth + FROM_1).transpose(0, 2, 1))
    np.save(tmp_path / "mine.npy", truth)
    np.save(tmp_path / "yaw.npy", YAWS)
    given = ["evaluate", f"--predictions={tmp_path / 'v2.npy'}", f"--yaw={tmp_path / 'yaw.npy'}", "--no_log"]
    for name, said in (
        ("AFLW2000-3D.pts68.npy", "counted from 1, as 3DDFA's file of this name"),
        ("mine.npy", "counted from 0 (assumed; see --landmarks_first_pixel)"),
    ):
        record = main([*given, f"--landmarks={tmp_path / name}"])
        np.testing.assert_allclose(_nme(record), 0, atol=1e-6)
        assert said in capsys.readouterr().out
    (tmp_path / "AFLW2000-3D.pts68.npy").rename(tmp_path / "theirs.npy")
    record = main([*given, f"--landmarks={tmp_path / 'theirs.npy'}", "--landmarks_first_pixel=1"])
    np.testing.assert_allclose(_nme(record), 0, atol=1e-6)


def test_the_published_landmarks_of_real_samples_are_read_as_3ddfa_writes_them(real, tmp_path):
    """Without a face model, since the samples have landmarks of their own."""
    root = real / "aflw2000"
    for path in root.glob("*.mat"):
        np.savetxt(tmp_path / f"{path.stem}_0.txt", loadmat(path)["pt3d_68"], fmt="%.3f")
    record = _evaluate(root, f"--predictions={tmp_path}", "--no_log")
    assert len(_nme(record)) == 10
    np.testing.assert_allclose(_nme(record), 0, atol=1e-3)


def test_an_archive_may_hold_more_than_the_landmarks_of_all_photographs(faces, truth, tmp_path):
    np.savez(tmp_path / "mine.npz", landmarks=truth, noses=truth[:, 30], yaw=YAWS)
    record = _evaluate(faces, f"--predictions={tmp_path / 'mine.npz'}", "--no_log")
    np.testing.assert_allclose(_nme(record), 0, atol=1e-6)


def test_help_and_documentation_name_every_format():
    page = (PROJECT / "docs" / "evaluation.md").read_text()
    for each in LANDMARK_FORMATS:
        assert f"`{each.name}`" in page
        assert re.search(rf"\b{each.name}\b", evaluate.__doc__)


class _Network:
    """The library's class: on face i of the truth, it finds what `found` says, in boxes about the landmarks."""

    def __init__(self, kind, device, compile):
        assert kind.name == "THREE_D"
        self.calls, self.boxes = 0, []

    def get_landmarks_from_image(self, image, detected_faces=None, return_bboxes=False):
        if detected_faces is not None:
            self.boxes.append(detected_faces[0])
            return [self.truth[self.calls - 1].astype(np.float32)]
        self.calls += 1
        points = self.truth[self.calls - 1]
        shifts = self.found[self.calls - 1]
        faces = [(points + shift * RIGHT).astype(np.float32) for shift in shifts]
        boxes = [np.append(landmark_box(face), 0.9) for face in faces]
        return (faces, None, boxes) if faces else (None, None, None)


@pytest.fixture
def library(truth, monkeypatch):
    monkeypatch.setattr(_Network, "truth", truth, raising=False)
    # the face alone; none; another face only; two faces, the true one last
    monkeypatch.setattr(_Network, "found", [[2], [], [500], [40, 2], [2], [2]], raising=False)
    monkeypatch.setattr("face_alignment.FaceAlignment", _Network)


def test_face_alignment_runs_as_a_system_beside_the_runs_of_networks(library, faces, truth, tmp_path, capsys):
    record = _evaluate(faces, "--system=face-alignment", f"--tracking.folder={tmp_path}")
    sizes = np.sqrt(np.ptp(truth[..., :2], axis=1).prod(axis=1))
    np.testing.assert_allclose(_nme(record), 100 * np.array([2, 0, 0, 2, 2, 2]) / sizes, atol=1e-4)
    assert set(record.reports) == {"nme", "nme_3d_mean_z", "nme_3d_rigid", "nme_3d_similarity"}
    said = " ".join(capsys.readouterr().out.split())
    assert (
        "face-alignment did not find the face in 2 of 6 photographs, and was given the box of the true landmarks there: "
        "image00001, image00002."
    ) in said
    assert "1 of 6 photographs have several faces" in said
    (folder,) = (tmp_path / "runs").iterdir()
    tags = mlflow_run(RunFolder(folder)).data.tags
    assert (tags["method"], tags["system_boxes"], tags["faces_not_found"]) == ("face-alignment", "detector", "2")
    _evaluate(faces, "--system=face-alignment", "--system_boxes=truth", f"--tracking.folder={tmp_path}")
    main(["compare", f"--tracking.folder={tmp_path}", f"--out={tmp_path / 'tables'}", "--no_log"])
    said = capsys.readouterr().out
    assert "face-alignment, true boxes" in said


def test_with_the_boxes_of_the_truth_nothing_is_searched_for(library, faces, truth):
    from lightning_module.inference.systems import compared_system

    system = compared_system.load_system("face-alignment")
    system._network.calls = 1
    image = np.zeros((100, 100, 3), np.uint8)
    np.testing.assert_allclose(system.landmarks_in(image, landmark_box(truth[0])), truth[0], atol=1e-4)
    np.testing.assert_array_equal(system._network.boxes, [landmark_box(truth[0])])


def test_landmarks_of_a_large_photograph_are_predicted_at_its_own_size(library, truth):
    from lightning_module.inference.systems import compared_system

    system = compared_system.load_system("face-alignment")
    (face,) = system.faces(np.zeros((2048, 512, 3), np.uint8))
    np.testing.assert_allclose(face.box_px, 2 * landmark_box((truth[0] + 2 * RIGHT).astype(np.float32)))
    np.testing.assert_allclose(face.landmarks_px, truth[0], atol=1e-4)


def _offline(*_, **__):
    raise OSError("no network")


def test_without_weights_or_where_it_fails_one_line_says_so(library, faces, monkeypatch):
    monkeypatch.setattr(_Network, "found", [[2], "?", [2], [2], [2], [2]])
    with pytest.raises(InputError, match=r"image00001: face-alignment fails on this photograph \(.*\)\. Leave it out"):
        _evaluate(faces, "--system=face-alignment", "--no_log")
    monkeypatch.setattr("face_alignment.FaceAlignment", _offline)
    with pytest.raises(
        InputError, match=r"weights cannot be loaded .*Download .*s3fd.* and .*3DFAN4.* and .*depth-.* into"
    ):
        _evaluate(faces, "--system=face-alignment", "--no_log")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "give one of --predictions and --system"),
        (["--predictions=a", "--system=face-alignment"], "give one of --predictions and --system"),
        (["--system=face-alignment"], r"--data\.test\.root is not set: --system face-alignment needs"),
        (["--predictions=a", "--system_boxes=truth"], "--system_boxes belongs to --system"),
        (["--predictions=a"], r"--landmarks is not set: give both --landmarks and --yaw, or --data\.test\.root"),
        (["--predictions=a", "--landmarks=b"], "--yaw is not set"),
        (["--predictions=a", "--landmarks=b", "--data.test.root=c"], "--landmarks and --data.test.root both"),
        (["--predictions=a", "--yaw=b", "--data.test.root=c"], "--yaw and --data.test.root both"),
        (["--predictions=a", "--data.test.root=no"], r"no: there is no such folder\. Set --data\.test\.root"),
        (["--predictions=a", "--data.test.root=.", "--landmarks_first_pixel=1"], r"Give --data\.test\.landmarks_first"),
        (["--predictions=a", "--data.test.root=.", "--data.test.holdout=true"], "holdout is for networks"),
    ],
)
def test_options_that_contradict_each_other_are_named(options, message):
    with pytest.raises(InputError, match=message) as error:
        main(["evaluate", *options])
    assert "\n" not in str(error.value)
