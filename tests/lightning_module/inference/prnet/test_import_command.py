"""`run.py import-prnet`: the checkpoint that it writes is one like any other, with PRNet's crop, landmarks and texels."""

import shutil

import numpy as np
import pytest
import torch

from datamodules.errors import InputError
from datamodules.files.photographs import read_photograph
from datamodules.files.prnet_uv_data import read_prnet_uv_data
from datamodules.geometry.regions import face_labels
from datamodules.geometry.uv_layout import make_uv_layout
from lightning_module.checkpoint import load_module, read_hyper_parameters
from lightning_module.inference.crop_network import network_of
from lightning_module.inference.export.model_card import model_card
from lightning_module.inference.prnet.prnet_layout import prnet_layout
from lightning_module.inference.reconstructor import Reconstructor
from run import main
from tests.fakes import fake_model
from tests.runs import fit_arguments


@pytest.fixture(scope="module")
def imported(weights, uv_data, model_file, tmp_path_factory):
    """A checkpoint with the mean face of the schematic model, whose landmarks are those of the folder."""
    out = tmp_path_factory.mktemp("imported") / "prnet.ckpt"
    options = [f"--uv_data={uv_data}", f"--face_model={model_file}", f"--out={out}"]
    assert main(["import-prnet", f"--weights={weights}", *options]) == out
    return out


@pytest.fixture(scope="module")
def module(imported):
    return load_module(imported)


def test_the_checkpoint_carries_crop_landmarks_and_texels(module, uv_data):
    assert (module.crop.margin, module.crop.detector) == (1.6, (1.58, 0.14))
    assert (module.is_residual, module.image_size, module.map_size) == (False, 256, 256)
    columns, rows = np.loadtxt(uv_data / "uv_kpt_ind.txt").astype(int)
    np.testing.assert_array_equal(module.landmark_texels[:68].numpy(), np.column_stack([rows, columns]))
    is_face = np.isin(module.regions.numpy(), face_labels(module.region_table))
    assert set(np.flatnonzero(is_face)) == set(np.loadtxt(uv_data / "face_ind.txt").astype(int))
    layout = network_of(module).layout
    assert layout.crop == module.crop
    assert np.array_equal(layout.grid.is_valid, is_face)


def test_the_mean_face_is_that_of_the_face_model_in_prnets_crop(module):
    layout = make_uv_layout(fake_model())
    np.testing.assert_array_equal(layout.landmark_texels, module.landmark_texels.numpy())
    expected = layout.in_crop(1.6).mean_map
    np.testing.assert_allclose(module.mean_map.permute(1, 2, 0).numpy(), expected, atol=1e-4)
    across = [float(np.ptp(each.mean_map[..., 0])) for each in (layout, layout.in_crop(1.6))]
    assert across[0] / across[1] == pytest.approx(1.6 / 1.5)


def test_the_model_card_names_the_authors_and_the_crop(imported, module):
    card = model_card(imported, module, "prnet.onnx", 0.0, 8)
    assert "its side 1.6 times" in card
    assert "300W-LP, by PRNet's authors" in card
    assert "imported from 256_256_resfcn256_weight" in card
    assert "The weights are those of PRNet's authors" in card


def test_a_training_cannot_go_on_from_it(imported, faces, model_file, tmp_path):
    for start in ("ckpt_path", "branch_from"):
        with pytest.raises(InputError, match=r"optimiser.*--init_from"):
            main(fit_arguments(faces, model_file, tmp_path, f"--{start}={imported}"))
    assert not list(tmp_path.glob("runs/*"))


def test_its_crop_cannot_be_changed_in_a_test(imported, faces, model_file, tmp_path):
    options = [f"--data.test.root={faces}", f"--data.face_model.path={model_file}", f"--tracking.folder={tmp_path}"]
    with pytest.raises(InputError, match=r"--data\.crop_margin cannot be changed .* it is 1\.5, and 1\.6 in"):
        main(["test", f"--ckpt_path={imported}", *options, "--data.crop_margin=1.5"])


@pytest.mark.slow
def test_all_commands_take_it_like_any_other(imported, faces, model_file, tmp_path):
    few = tmp_path / "few"
    few.mkdir()
    for path in sorted(faces.rglob("image0000[123].*")):
        shutil.copyfile(path, few / path.name)
    data = [f"--data.face_model.path={model_file}", f"--tracking.folder={tmp_path}", "--data.num_workers=0"]
    result = main(["test", f"--ckpt_path={imported}", f"--data.test.root={few}", *data])
    reports = result.reports["test"]
    assert {"nme", "nme_dense"} <= reports.keys()  # dense figures too: the mean face is that of the data
    config = (result.folder.path / "config.yaml").read_text()
    assert "crop_margin: 1.6" in config
    photo = read_photograph(sorted(few.glob("*.jpg"))[0])
    (face,) = Reconstructor.load(imported, passes=1)(photo, np.array([[20, 20, 100, 100]]))
    np.testing.assert_allclose(face.crop, [60, 60, 1.6 * 80])
    assert face.landmarks.shape == (68, 3)
    assert main(["export", f"--ckpt_path={imported}", "--format=torchscript", f"--out={tmp_path / 'prnet.pt'}"]) < 0.01
    training = ["--data.batch_size=2", "--data.val_fraction=0", "--trainer.max_epochs=1", "--trainer.accelerator=cpu"]
    quiet = ["--trainer.enable_progress_bar=false", "--trainer.enable_model_summary=false"]
    fitted = main(["fit", f"--init_from={imported}", f"--data.root={few}", *data, *training, *quiet])
    options = read_hyper_parameters(fitted.folder.last_checkpoint)
    assert (options["crop_margin"], options["detector_crop"], options["is_residual"]) == (1.6, [1.58, 0.14], False)


def test_options_are_checked_before_the_weights_are_read(tmp_path, uv_data):
    for options, fault in (
        ([], "--uv_data is not set: PRNet's landmarks and face texels are missing.*github.com/yfeng95/PRNet"),
        ([f"--uv_data={tmp_path}"], r"uv_kpt_ind\.txt: there is no such file.*github.com/yfeng95/PRNet"),
        ([f"--uv_data={uv_data}"], r"nothing\.index: there is no such file"),
        ([f"--uv_data={uv_data}", f"--out={tmp_path / 'a.onnx'}"], "a checkpoint ends in .ckpt"),
    ):
        with pytest.raises(InputError, match=fault) as error:
            main(["import-prnet", f"--weights={tmp_path / 'nothing'}", *options])
        assert "\n" not in str(error.value)
    assert not list(tmp_path.iterdir())


def test_a_face_model_in_another_uv_space_is_refused(uv_data, model_file, tmp_path):
    shutil.copytree(uv_data, tmp_path / "other")
    columns, rows = np.loadtxt(uv_data / "uv_kpt_ind.txt")
    np.savetxt(tmp_path / "other" / "uv_kpt_ind.txt", [columns, rows - 5])
    with pytest.raises(InputError, match=r"lie up to 5 texels from those of uv_kpt_ind\.txt"):
        prnet_layout(read_prnet_uv_data(tmp_path / "other"), model_file)
    with pytest.raises(InputError, match=r"nothing\.mat: there is no such file. Set --face_model"):
        prnet_layout(read_prnet_uv_data(uv_data), tmp_path / "nothing.mat")


@pytest.mark.parametrize("signs", [(1, 1, 1), (-1, -1, 1)])
def test_prnets_own_mean_face_may_have_any_axes(signs, uv_data, tmp_path):
    shutil.copytree(uv_data, tmp_path / "uv")
    layout = make_uv_layout(fake_model())
    places = np.loadtxt(uv_data / "face_ind.txt").astype(int)
    own = layout.mean_map.reshape(-1, 3)[places] * [1, -1, 1]  # y up
    np.save(tmp_path / "uv" / "canonical_vertices.npy", own * np.array(signs))
    found, source = prnet_layout(read_prnet_uv_data(tmp_path / "uv"))
    assert source == "canonical_vertices.npy"
    # within the crop of the same size about the same face
    np.testing.assert_allclose(
        found.mean_map.reshape(-1, 3)[places, :2], layout.mean_map.reshape(-1, 3)[places, :2], atol=3
    )


def test_without_a_mean_face_it_is_the_synthetic_one_at_prnets_landmarks(uv_data):
    layout, source = prnet_layout(read_prnet_uv_data(uv_data))
    assert source == "this project's synthetic faces"
    points = layout.mean_map[tuple(layout.landmark_texels[:68].T)]
    jaw, nose, brows = points[:17], points[30], points[17:27]
    assert jaw[0, 0] < nose[0] < jaw[16, 0]
    assert brows[:, 1].max() < nose[1] < jaw[8, 1]
    assert nose[2] > jaw[[0, 16], 2].max()
    assert np.ptp(points[:, :2], axis=0).mean() == pytest.approx(255 / 1.5, rel=0.01)  # the plain crop, before PRNet's
    assert torch.tensor(layout.mean_map).isfinite().all()
