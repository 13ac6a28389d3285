"""`run.py assemble-bfm` where files are missing, others or damaged, on stand-ins of their real sizes."""

import os

import numpy as np
import pytest
from scipy.io import savemat

import run
from datamodules.errors import InputError
from datamodules.files.bfm import read_morphable_model
from datamodules.files.mat import read_mat
from tests.raw_models import KEPT, TRIANGLES, raw_arrays, write_raw

RAW = ("01_MorphableModel.mat", "model_info.mat", "Model_Expression.mat", "Model_tri_mouth.mat", "BFM_UV.mat")
CUT = ("Model_Shape.mat", "Model_Exp.mat", "Model_tri_mouth.mat", "BFM_UV.mat")


@pytest.fixture(scope="module")
def arrays():
    return raw_arrays()


def assembled(raw, out):
    run.main(["assemble-bfm", f"--raw={raw}", f"--out={out}"])
    return out


def fault(raw, out):
    with pytest.raises(InputError) as caught:
        assembled(raw, out)
    assert "\n" not in str(caught.value)
    assert not out.exists()
    return str(caught.value)


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
