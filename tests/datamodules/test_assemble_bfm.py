"""`run.py assemble-bfm`, on stand-ins of the raw files that have their real sizes."""

import io
import os
import shutil
import tarfile
import zipfile
from contextlib import redirect_stdout

import numpy as np
import pytest
from scipy.io import savemat

import run
from datamodules.errors import InputError
from datamodules.files.bfm import read_coefficient_deviations, read_morphable_model
from datamodules.files.mat import read_mat
from tests.raw_models import KEPT, MOUTH_TRIANGLES, TRIANGLES, raw_arrays, write_raw

RAW = ("01_MorphableModel.mat", "model_info.mat", "Model_Expression.mat", "Model_tri_mouth.mat", "BFM_UV.mat")
CUT = ("Model_Shape.mat", "Model_Exp.mat", "Model_tri_mouth.mat", "BFM_UV.mat")


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


def assembled(raw, out):
    run.main(["assemble-bfm", f"--raw={raw}", f"--out={out}"])
    return out


@pytest.fixture(scope="module")
def printed_and_model(downloads, tmp_path_factory):
    with redirect_stdout(io.StringIO()) as printed:
        path = assembled(downloads, tmp_path_factory.mktemp("assembled") / "new" / "BFM.mat")
    return printed.getvalue(), path


@pytest.fixture(scope="module")
def model_path(printed_and_model):
    return printed_and_model[1]


@pytest.fixture(scope="module")
def fields(model_path):
    struct = read_mat(model_path)["model"]
    return {name: struct[name][0, 0] for name in struct.dtype.names}


def fault(raw, out):
    with pytest.raises(InputError) as caught:
        assembled(raw, out)
    assert "\n" not in str(caught.value)
    assert not out.exists()
    return str(caught.value)


@pytest.mark.slow
def test_shape_and_texture_are_cut_to_the_kept_vertices(fields, arrays):
    kept = arrays["model_info.mat"]["trimIndex"].ravel()
    expected = np.column_stack([3 * kept - 3, 3 * kept - 2, 3 * kept - 1]).ravel()  # from the numbers of the stand-in
    assert np.array_equal(fields["shapeMU"].ravel(), expected)
    assert np.array_equal(fields["shapePC"][:, 0], expected + 1000.0)
    assert np.array_equal(fields["shapePC"][:, 1], expected + 2000.0)
    assert np.array_equal(fields["texMU"].ravel(), expected % 256)
    assert fields["shapePC"].shape == (3 * KEPT, 199)
    assert fields["shapePC"].dtype == np.float32


@pytest.mark.slow
def test_expressions_landmarks_and_deviations_come_as_they_are(fields, arrays):
    expression, info = arrays["Model_Expression.mat"], arrays["model_info.mat"]
    assert np.array_equal(fields["expMU"], expression["mu_exp"])
    assert np.array_equal(fields["expPC"], expression["w_exp"])
    assert np.array_equal(fields["expEV"], expression["sigma_exp"])
    assert np.array_equal(fields["shapeEV"], arrays["01_MorphableModel.mat"]["shapeEV"])
    assert np.array_equal(fields["tri"], info["tri"])
    assert np.array_equal(fields["kpt_ind"], info["keypoints"])


@pytest.mark.slow
def test_the_mouth_loses_its_bad_triangle_and_is_closed(fields, arrays):
    raw = arrays["Model_tri_mouth.mat"]["tri_mouth"]
    mouth = fields["tri_mouth"]
    assert mouth.shape == (3, MOUTH_TRIANGLES - 1 + 7)
    assert np.array_equal(mouth[:, :37], raw[:, :37])
    assert np.array_equal(mouth[:, 37:-7], raw[:, 38:])
    assert mouth[:, -7].tolist() == [6420, 6542, 6664]
    assert mouth[:, -1].tolist() == [6168, 6295, 6039]


@pytest.mark.slow
def test_bad_texture_coordinates_become_means_of_their_neighbours(model_path, arrays):
    kept = arrays["model_info.mat"]["trimIndex"].ravel()
    uv, raw = read_mat(model_path.with_name("BFM_UV.mat"))["UV"], arrays["BFM_UV.mat"]["UV"][kept - 1]
    assert np.allclose(uv[10031], (raw[10032] + raw[10157]) / 2)
    assert np.allclose(uv[10154], (raw[10533] + raw[10156] + raw[10660]) / 3)
    assert np.allclose(uv[10279], (raw[10915] + raw[10285]) / 2)
    others = np.delete(np.arange(KEPT), [10031, 10154, 10279])
    assert np.array_equal(uv[others], raw[others])


@pytest.mark.slow
def test_the_model_is_read_like_any_other(model_path):
    model = read_morphable_model(model_path)
    assert model.identity_basis.shape == (KEPT, 3, 199)
    assert model.expression_basis.shape == (KEPT, 3, 29)
    assert len(model.triangles) == TRIANGLES + MOUTH_TRIANGLES + 6
    assert len(read_coefficient_deviations(model_path, model)) == 228


@pytest.mark.slow
def test_it_says_where_each_file_was(printed_and_model, downloads):
    printed, _ = printed_and_model
    assert f"from {downloads / 'BaselFaceModel.tgz' / 'PublicMM1'}" in printed
    assert f"from {downloads / 'Code.zip' / 'Code' / 'ModelGeneration'}" in printed
    assert "53215 vertices" in printed


@pytest.fixture(scope="module")
def cut_files(arrays, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cut")
    write_raw(folder, arrays, *CUT, "model_info.mat")
    return folder


@pytest.fixture
def cut_downloads(cut_files, tmp_path):
    """3DDFA's files after the cut, in place of the Basel Face Model; all that is needed but model_info.mat."""
    folder = tmp_path / "raw"
    folder.mkdir()
    for name in CUT:
        os.link(cut_files / name, folder / name)
    return folder


@pytest.fixture
def whole_downloads(cut_files, cut_downloads):
    os.link(cut_files / "model_info.mat", cut_downloads / "model_info.mat")
    return cut_downloads


def replace(folder, name, array, value):
    """Changes an array of a file that other tests use too."""
    arrays = {key: own for key, own in read_mat(folder / name).items() if key != array}
    (folder / name).unlink()
    savemat(folder / name, {**arrays, array: value})


def test_the_model_of_3ddfa_stands_in_for_the_raw_one(whole_downloads, tmp_path):
    model = read_morphable_model(assembled(whole_downloads, tmp_path / "BFM.mat"))
    assert (model.mean == 10).all()  # 3 + 7
    assert (model.identity_basis == 2).all()


def test_texture_coordinates_of_all_vertices_need_the_cut(cut_downloads, tmp_path):
    assert "model_info.mat" in fault(cut_downloads, tmp_path / "BFM.mat")


def test_texture_coordinates_that_are_cut_need_no_cut(cut_downloads, arrays, tmp_path):
    uv = np.random.default_rng(1).uniform(0, 1, (KEPT, 2))
    replace(cut_downloads, "BFM_UV.mat", "UV", uv)
    model = read_morphable_model(assembled(cut_downloads, tmp_path / "BFM.mat"))
    assert np.array_equal(model.uv[:10000], uv[:10000])
    assert np.array_equal(model.landmark_vertices, arrays["Model_Shape.mat"]["keypoints"].ravel() - 1)


def test_what_is_missing_is_named_with_its_source(arrays, tmp_path):
    write_raw(tmp_path / "raw", arrays, "model_info.mat", "BFM_UV.mat")
    message = fault(tmp_path / "raw", tmp_path / "BFM.mat")
    assert "lacks 01_MorphableModel.mat from https://faces.dmi.unibas.ch" in message
    assert "Model_tri_mouth.mat from the downloads" in message
    assert "model_info.mat from" not in message


@pytest.mark.parametrize(("name", "year"), [("model2017-1_bfm_nomouth.h5", 2017), ("model2019_fullHead.h5", 2019)])
def test_a_basel_face_model_of_another_year_is_named(name, year, arrays, tmp_path):
    write_raw(tmp_path / "raw", arrays, "model_info.mat")
    (tmp_path / "raw" / name).write_bytes(b"\x89HDF\r\n\x1a\n")
    assert f"{name} is the Basel Face Model of {year}" in fault(tmp_path / "raw", tmp_path / "BFM.mat")


def test_an_unfinished_download_is_named(arrays, tmp_path):
    write_raw(tmp_path / "raw", arrays, "model_info.mat")
    (tmp_path / "raw" / "BaselFaceModel.tgz.crdownload").write_bytes(b"\x1f\x8b")
    assert "BaselFaceModel.tgz.crdownload: is a download that has not" in fault(tmp_path / "raw", tmp_path / "BFM.mat")


@pytest.mark.parametrize(
    ("name", "array", "value", "words"),
    [
        ("model_info.mat", "trimIndex", np.arange(KEPT)[:, None], "indices from 1 to 53490"),
        ("model_info.mat", "keypoints", np.full((1, 68), 1.5), "indices from 1 to 53215"),
        ("model_info.mat", "tri", np.ones((TRIANGLES, 3)), "tri has shape (105840, 3), expected (3, any)"),
        ("Model_Exp.mat", "w_exp", np.ones((3 * KEPT, 100)), "w_exp has shape"),
        ("Model_Exp.mat", "mu_exp", np.full((3 * KEPT, 1), np.nan), "mu_exp holds NaN"),
        ("Model_tri_mouth.mat", "tri_mouth", np.ones((3, 37)), "fewer than the 38th"),
        ("BFM_UV.mat", "UV", np.zeros((100, 2)), "UV has 100 rows, expected 53490"),
    ],
)
def test_a_file_that_departs_from_the_published_one_is_named(name, array, value, words, whole_downloads, tmp_path):
    replace(whole_downloads, name, array, value)
    message = fault(whole_downloads, tmp_path / "BFM.mat")
    assert f"{whole_downloads / name}: " in message
    assert words in message


def test_two_files_of_a_name_that_differ_are_refused(whole_downloads, tmp_path):
    (whole_downloads / "sub").mkdir()
    savemat(whole_downloads / "sub" / "Model_tri_mouth.mat", {"tri_mouth": np.ones((3, 40))})
    assert "Model_tri_mouth.mat: differs from " in fault(whole_downloads, tmp_path / "BFM.mat")


def test_two_files_of_a_name_that_are_equal_are_one(whole_downloads, tmp_path):
    (whole_downloads / "copy").mkdir()
    os.link(whole_downloads / "BFM_UV.mat", whole_downloads / "copy" / "BFM_UV.mat")
    assembled(whole_downloads, tmp_path / "BFM.mat")


def test_a_raw_file_is_not_overwritten(whole_downloads):
    before = (whole_downloads / "BFM_UV.mat").read_bytes()
    assert "BFM_UV.mat: is one of the raw files" in fault(whole_downloads, whole_downloads / "BFM.mat")
    assert (whole_downloads / "BFM_UV.mat").read_bytes() == before


def test_a_folder_that_is_none_is_named(tmp_path):
    assert "is no folder" in fault(tmp_path / "none", tmp_path / "BFM.mat")


def test_an_out_that_is_no_model_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="Set --out to a name such as BFM"):
        assembled(tmp_path, tmp_path)


def test_a_place_that_cannot_be_written_is_named(whole_downloads, tmp_path):
    place = tmp_path / "file"
    place.write_bytes(b"")
    assert "cannot be written" in fault(whole_downloads, place / "BFM.mat")
