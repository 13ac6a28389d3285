import numpy as np
import pytest
from scipy.io import loadmat, savemat

from datamodules.errors import InputError
from datamodules.files.face_mat import read_face_mat, write_face_mat
from tests.fakes import fake_face


@pytest.fixture
def path(tmp_path):
    write_face_mat(tmp_path / "face.mat", fake_face(20)[0])
    return tmp_path / "face.mat"


def _rewrite(path, **changes):
    arrays = {name: value for name, value in loadmat(path).items() if not name.startswith("__")} | changes
    savemat(path, {name: value for name, value in arrays.items() if value is not None})


def test_a_written_face_is_read_back(path):
    written, read = fake_face(20)[0], read_face_mat(path)
    np.testing.assert_array_equal(read.identity, written.identity)
    np.testing.assert_array_equal(read.expression, written.expression)
    np.testing.assert_array_equal(read.pose, written.pose)
    np.testing.assert_allclose(read.landmarks_image_px, written.landmarks_image_px, rtol=1e-6)


def test_landmarks_count_from_1_on_disk(path):
    x = loadmat(path)["pt3d_68"][:, 0]
    np.testing.assert_allclose(read_face_mat(path).landmarks_image_px[0], x - [1, 1, 0], rtol=1e-6)


def test_zeros_that_matlab_stored_as_bytes_are_floats(path):
    _rewrite(path, Exp_Para=np.zeros((29, 1), np.uint8))
    assert read_face_mat(path).expression.dtype == np.float32


def test_a_face_without_3d_landmarks_has_none(path):
    _rewrite(path, pt3d_68=None)
    assert read_face_mat(path).landmarks_image_px is None


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"Pose_Para": None}, "has no Pose_Para"),
        ({"Shape_Para": np.zeros((198, 1))}, r"Shape_Para has shape \(198, 1\), expected \(199, 1\)"),
        ({"Exp_Para": np.full((29, 1), np.nan)}, "Exp_Para holds NaN"),
        ({"Pose_Para": np.zeros((1, 7))}, "Pose_Para has scale 0"),
        ({"pt3d_68": np.full((3, 68), 5)}, "pt3d_68 spans no area"),
        ({"pt3d_68": np.zeros((2, 68))}, r"pt3d_68 has shape \(2, 68\)"),
    ],
)
def test_what_is_wrong_with_a_face_is_named(path, changes, fault):
    _rewrite(path, **changes)
    with pytest.raises(InputError, match=fault) as caught:
        read_face_mat(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_coefficients_are_written_as_zeros_and_too_many_are_refused(tmp_path):
    face = fake_face(20)[0]
    few = face._replace(identity=face.identity[:5], expression=face.expression[:3])
    write_face_mat(tmp_path / "few.mat", few)
    np.testing.assert_array_equal(read_face_mat(tmp_path / "few.mat").identity, face.identity)
    with pytest.raises(InputError, match=r"many\.mat: cannot hold 200 identity coefficients, only 199"):
        write_face_mat(tmp_path / "many.mat", face._replace(identity=np.zeros(200, np.float32)))


def test_a_file_cut_anywhere_is_one_clear_line(path):
    data = path.read_bytes()
    for keep in range(0, len(data), 61):
        path.write_bytes(data[:keep])
        with pytest.raises(InputError, match=r"face\.mat: ") as caught:
            read_face_mat(path)
        assert "\n" not in str(caught.value)
