"""`run.py assemble-bfm` on stand-ins of all raw files, in archives and folders, each step of it."""

import io
import shutil
import tarfile
import zipfile
from contextlib import redirect_stdout

import numpy as np
import pytest

import run
from datamodules.files.bfm import read_coefficient_deviations, read_morphable_model
from datamodules.files.mat import read_mat
from tests.raw_models import KEPT, MOUTH_TRIANGLES, TRIANGLES, raw_arrays, write_raw

pytestmark = pytest.mark.slow

RAW = ("01_MorphableModel.mat", "model_info.mat", "Model_Expression.mat", "Model_tri_mouth.mat", "BFM_UV.mat")


@pytest.fixture(scope="module")
def arrays():
    return raw_arrays()


@pytest.fixture(scope="module")
def downloads(arrays, tmp_path_factory):
    """The files as they are downloaded: in an archive each, in a folder, and in a subfolder of another name."""
    folder = tmp_path_factory.mktemp("downloads")
    loose = folder / "loose"
    write_raw(loose, arrays, *RAW)
    (loose / "BFM_UV.mat").rename(folder / "bfm_uv.mat")  # the case of names differs between systems
    with tarfile.open(folder / "BaselFaceModel.tgz", "w:gz", compresslevel=1) as archive:
        archive.add(loose / RAW[0], f"PublicMM1/{RAW[0]}")
    with zipfile.ZipFile(folder / "Code.zip", "w") as archive:
        archive.write(loose / RAW[1], f"Code/ModelGeneration/{RAW[1]}")
    (folder / "3ddfa").mkdir()
    for name in RAW[2:4]:
        (loose / name).rename(folder / "3ddfa" / name)
    shutil.rmtree(loose)
    return folder


@pytest.fixture(scope="module")
def printed_and_model(downloads, tmp_path_factory):
    out = tmp_path_factory.mktemp("assembled") / "new" / "BFM.mat"
    with redirect_stdout(io.StringIO()) as printed:
        path = run.main(["assemble-bfm", f"--raw={downloads}", f"--out={out}"])
    return printed.getvalue(), path


@pytest.fixture(scope="module")
def model_path(printed_and_model):
    return printed_and_model[1]


@pytest.fixture(scope="module")
def fields(model_path):
    struct = read_mat(model_path)["model"]
    return {name: struct[name][0, 0] for name in struct.dtype.names}


def test_shape_and_texture_are_cut_to_the_kept_vertices(fields, arrays):
    kept = arrays["model_info.mat"]["trimIndex"].ravel()
    expected = np.column_stack([3 * kept - 3, 3 * kept - 2, 3 * kept - 1]).ravel()  # from the numbers of the stand-in
    assert np.array_equal(fields["shapeMU"].ravel(), expected)
    assert np.array_equal(fields["shapePC"][:, 0], expected + 1000.0)
    assert np.array_equal(fields["shapePC"][:, 1], expected + 2000.0)
    assert np.array_equal(fields["texMU"].ravel(), expected % 256)
    assert fields["shapePC"].shape == (3 * KEPT, 199)
    assert fields["shapePC"].dtype == np.float32


def test_expressions_landmarks_and_deviations_come_as_they_are(fields, arrays):
    expression, info = arrays["Model_Expression.mat"], arrays["model_info.mat"]
    assert np.array_equal(fields["expMU"], expression["mu_exp"])
    assert np.array_equal(fields["expPC"], expression["w_exp"])
    assert np.array_equal(fields["expEV"], expression["sigma_exp"])
    assert np.array_equal(fields["shapeEV"], arrays["01_MorphableModel.mat"]["shapeEV"])
    assert np.array_equal(fields["tri"], info["tri"])
    assert np.array_equal(fields["kpt_ind"], info["keypoints"])


def test_the_mouth_loses_its_bad_triangle_and_is_closed(fields, arrays):
    raw = arrays["Model_tri_mouth.mat"]["tri_mouth"]
    mouth = fields["tri_mouth"]
    assert mouth.shape == (3, MOUTH_TRIANGLES - 1 + 7)
    assert np.array_equal(mouth[:, :37], raw[:, :37])
    assert np.array_equal(mouth[:, 37:-7], raw[:, 38:])
    assert mouth[:, -7].tolist() == [6420, 6542, 6664]
    assert mouth[:, -1].tolist() == [6168, 6295, 6039]


def test_bad_texture_coordinates_become_means_of_their_neighbours(model_path, arrays):
    kept = arrays["model_info.mat"]["trimIndex"].ravel()
    uv, raw = read_mat(model_path.with_name("BFM_UV.mat"))["UV"], arrays["BFM_UV.mat"]["UV"][kept - 1]
    assert np.allclose(uv[10031], (raw[10032] + raw[10157]) / 2)
    assert np.allclose(uv[10154], (raw[10533] + raw[10156] + raw[10660]) / 3)
    assert np.allclose(uv[10279], (raw[10915] + raw[10285]) / 2)
    others = np.delete(np.arange(KEPT), [10031, 10154, 10279])
    assert np.array_equal(uv[others], raw[others])


def test_the_model_is_read_like_any_other(model_path):
    model = read_morphable_model(model_path)
    assert model.identity_basis.shape == (KEPT, 3, 199)
    assert model.expression_basis.shape == (KEPT, 3, 29)
    assert len(model.triangles) == TRIANGLES + MOUTH_TRIANGLES + 6
    assert len(read_coefficient_deviations(model_path, model)) == 228


def test_it_says_where_each_file_was(printed_and_model, downloads):
    printed, _ = printed_and_model
    assert f"from {downloads / 'BaselFaceModel.tgz' / 'PublicMM1'}" in printed
    assert f"from {downloads / 'Code.zip' / 'Code' / 'ModelGeneration'}" in printed
    assert "53215 vertices" in printed
