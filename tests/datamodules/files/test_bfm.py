import numpy as np
import pytest
from scipy.io import loadmat, savemat

from datamodules.errors import InputError
from datamodules.files.bfm import read_morphable_model, write_morphable_model
from tests.fakes import fake_model


@pytest.fixture
def path(tmp_path):
    write_morphable_model(fake_model(), tmp_path / "BFM.mat")
    return tmp_path / "BFM.mat"


def _rewrite(path, **changes):
    struct = loadmat(path)["model"][0, 0]
    fields = {name: struct[name] for name in struct.dtype.names} | changes
    savemat(path, {"model": {name: value for name, value in fields.items() if value is not None}})


def test_a_written_model_is_read_back(path):
    written, read = fake_model(), read_morphable_model(path)
    for name in ("mean", "identity_basis", "expression_basis", "triangles", "uv", "landmark_vertices"):
        np.testing.assert_array_equal(getattr(read, name), getattr(written, name))
    assert read.fingerprint == written.fingerprint


def test_mouth_triangles_are_added(path):
    _rewrite(path, tri_mouth=np.array([[1], [2], [3]]))
    assert read_morphable_model(path).triangles[-1].tolist() == [0, 1, 2]


def test_a_sample_is_truncated_to_the_models_components():
    identity, expression = np.arange(199, dtype=np.float32), np.arange(199, 228, dtype=np.float32)
    np.testing.assert_array_equal(
        fake_model().leading_coefficients(identity, expression), [0, 1, 2, 3, 4, 199, 200, 201]
    )


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"shapeMU": None}, "lacks shapeMU"),
        ({"shapeMU": np.full((3267, 1), np.nan)}, "shapeMU holds NaN"),
        ({"shapeMU": np.zeros((4, 1))}, r"shapeMU has shape \(4, 1\)"),
        ({"shapeMU": np.zeros((3267, 2)), "expMU": np.zeros((3267, 2))}, "shapeMU has 2 columns"),
        ({"shapePC": np.zeros((9, 5))}, "shapePC has 3 vertices, shapeMU has 1089"),
        ({"tri": np.array([[1], [2], [2000]])}, "tri points outside the 1089 vertices"),
        ({"tri": np.array([[0], [2], [3]])}, "count from 1"),
        ({"tri": np.ones((2, 5))}, "tri has shape"),
        ({"kpt_ind": np.ones((1, 5))}, "kpt_ind has 5 landmarks"),
        ({"expPC": "text"}, "expPC is not numeric"),
    ],
)
def test_what_is_wrong_with_a_model_is_named(path, changes, fault):
    _rewrite(path, **changes)
    with pytest.raises(InputError, match=fault) as caught:
        read_morphable_model(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_model_is_named(tmp_path):
    with pytest.raises(InputError, match="no such model file"):
        read_morphable_model(tmp_path / "nothing.mat")


def test_a_raw_basel_file_is_recognised(tmp_path):
    savemat(tmp_path / "01_MorphableModel.mat", {"shapePC": np.zeros((3, 2)), "shapeMU": np.zeros((3, 1))})
    with pytest.raises(InputError, match=r"looks like the raw 01_MorphableModel\.mat"):
        read_morphable_model(tmp_path / "01_MorphableModel.mat")


def test_a_model_that_is_no_struct_is_refused(tmp_path):
    savemat(tmp_path / "BFM.mat", {"model": np.zeros(3)})
    with pytest.raises(InputError, match="'model' is not a struct"):
        read_morphable_model(tmp_path / "BFM.mat")


def test_texture_coordinates_of_another_model_are_refused(path):
    savemat(path.with_name("BFM_UV.mat"), {"UV": np.zeros((7, 2))})
    with pytest.raises(InputError, match=r"UV has shape \(7, 2\), but the model has 1089 vertices"):
        read_morphable_model(path)


@pytest.mark.parametrize(
    ("arrays", "fault"), [({"XY": np.zeros(2)}, "no array 'UV'"), ({"UV": np.full((1089, 2), 2.0)}, r"range \[0, 1\]")]
)
def test_other_faults_of_texture_coordinates_are_named(path, arrays, fault):
    savemat(path.with_name("BFM_UV.mat"), arrays)
    with pytest.raises(InputError, match=fault):
        read_morphable_model(path)


def test_missing_texture_coordinates_are_named(path):
    path.with_name("BFM_UV.mat").unlink()
    with pytest.raises(InputError, match=r"--data\.face_model\.uv_coordinates"):
        read_morphable_model(path)
