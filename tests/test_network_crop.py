"""A network carries its crop: data, predictions and files take that of the network, which is ours unless it says otherwise."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
import yaml
from torch.utils.data import default_collate

from datamodules.errors import InputError
from datamodules.files.photographs import read_photograph
from datamodules.files.position_map_files import LAYOUT_FILE, read_uv_layout, write_uv_layout
from datamodules.geometry.crop import CROP_MARGIN, PLAIN_CROP, NetworkCrop
from datamodules.prepare import prepare
from datamodules.readers.stored_map_reader import StoredMapReader
from lightning_module.checkpoint import load_module, read_hyper_parameters
from lightning_module.evaluation.evaluation_record import FOLDER
from lightning_module.face_module import FaceModule
from lightning_module.inference.crop_network import load_network, network_of
from lightning_module.inference.detection import DetectedFace
from lightning_module.inference.export.exported_network import ExportedNetwork
from lightning_module.inference.export.formats import FORMATS
from lightning_module.inference.reconstructor import Reconstructor
from lightning_module.network_check import require_same_crop
from lightning_module.networks.hourglass import Hourglass
from lightning_module.packed_network import write_packed
from run import main
from tests.face_data import NO_AUGMENTATION, face_data
from tests.fakes import write_faces
from tests.lightning_module.inference.truth import TrueNetwork, true_maps
from tests.old_run import old_checkpoint
from tests.runs import fit

MARGIN = 1.6
SCALE = CROP_MARGIN / MARGIN
MIDDLE = np.array([127.5, 127.5, 0])


@pytest.fixture(scope="module")
def wide_run(faces, model_file, tmp_path_factory):
    """A fit of one epoch on crops of margin 1.6."""
    options = [f"--data.crop_margin={MARGIN}", "--model.detector_crop=[1.58,0.14]", "--trainer.max_epochs=1"]
    return fit(faces, model_file, tmp_path_factory.mktemp("wide"), *options, f"--data.test.root={faces}")


def _batch(root, model_file, **options):
    data = face_data(
        root, model_file, **{"val_fraction": 0, "pose_probability": 0, "augmentation": NO_AUGMENTATION} | options
    )
    data.setup("fit")
    samples = [data.train_faces[0, position] for position in range(len(data.train_faces))]
    return data, data.complete(default_collate(samples))


def test_a_wider_crop_shows_the_same_face_smaller(faces, model_file):
    plain, narrow = _batch(faces, model_file)
    data, wide = _batch(faces, model_file, crop_margin=MARGIN)
    expected = (narrow.landmarks_crop_px.numpy() - MIDDLE) * SCALE + MIDDLE
    np.testing.assert_allclose(wide.landmarks_crop_px.numpy(), expected, atol=1e-3)
    maps = (narrow.position_map.permute(0, 2, 3, 1).numpy() - MIDDLE) * SCALE + MIDDLE
    np.testing.assert_allclose(wide.position_map.permute(0, 2, 3, 1).numpy(), maps, atol=1e-2)
    assert not torch.equal(wide.image, narrow.image)
    np.testing.assert_allclose(data.train_faces.box(3), plain.train_faces.box(3) / [1, 1, SCALE])
    np.testing.assert_allclose(data.uv_layout.mean_map, (plain.uv_layout.mean_map - MIDDLE) * SCALE + MIDDLE, atol=1e-3)


def test_the_crop_of_networks_that_say_nothing_changes_no_bit(faces, model_file):
    (data, one), (_, other) = _batch(faces, model_file), _batch(faces, model_file, crop_margin=CROP_MARGIN)
    for name in ("image", "position_map", "landmarks_crop_px"):
        assert torch.equal(getattr(one, name), getattr(other, name))
    boxes = np.random.default_rng(0).normal(100, 50, (1000, 3))
    assert PLAIN_CROP.of_plain(boxes).tobytes() == PLAIN_CROP.to_plain(boxes).tobytes() == boxes.tobytes()
    assert data.uv_layout is data.folders.targets.layout


def test_stored_maps_know_their_crop_and_take_that_of_the_network(faces, model_file, tmp_path):
    _, expected = _batch(faces, model_file, crop_margin=MARGIN)
    for folder, margin in ((tmp_path / "plain", CROP_MARGIN), (tmp_path / "wide", MARGIN)):
        prepare(face_data(faces, model_file, crop_margin=margin), folder, lossless=True)
        assert read_uv_layout(folder / LAYOUT_FILE).crop_margin == margin
        data, stored = _batch(folder, None, reader=StoredMapReader(), crop_margin=MARGIN)
        np.testing.assert_allclose(stored.position_map, expected.position_map, atol=2e-2)
        np.testing.assert_allclose(data.uv_layout.mean_map[..., :2].mean(axis=(0, 1)), 127.5, atol=9)
    with pytest.raises(InputError, match=r"plain: holds maps of crops with margin 1\.5. Set --data\.crop_margin 1\.5"):
        prepare(face_data(faces, model_file, crop_margin=MARGIN), tmp_path / "plain")


def test_label_files_of_earlier_versions_are_of_plain_crops(faces, model_file, tmp_path):
    layout = face_data(faces, model_file).uv_layout
    arrays = {name: getattr(layout, name) for name in ("regions", "landmark_texels", "mean_map")}
    np.savez(tmp_path / "old.npz", **arrays)
    assert read_uv_layout(tmp_path / "old.npz").crop_margin == CROP_MARGIN
    for margin, fault in ((0.0, "crop_margin is 0, expected"), (np.nan, "crop_margin holds"), ([1.5], "has shape")):
        np.savez(tmp_path / "bad.npz", **arrays, crop_margin=margin)
        with pytest.raises(InputError, match=fault):
            read_uv_layout(tmp_path / "bad.npz")
    write_uv_layout(tmp_path / "wide.npz", layout.in_crop(MARGIN))
    again = read_uv_layout(tmp_path / "wide.npz").in_crop(CROP_MARGIN)
    np.testing.assert_allclose(again.mean_map, layout.mean_map, atol=1e-4)


class _WideNetwork(TrueNetwork):
    """True maps of plain crops, for a network with a crop of its own."""

    def __init__(self, data, maps, crop):
        super().__init__(data, (maps - MIDDLE) * SCALE + MIDDLE)
        self.layout = replace(self.layout, crop=crop)


def test_predictions_crop_as_the_network_was_trained(model_file, tmp_path):
    folder = write_faces(tmp_path / "faces", [-65.0, 0.0, 30.0])
    data, maps, crops = true_maps(folder, model_file)
    image = read_photograph(folder / "image00001.jpg")
    crop = NetworkCrop(MARGIN, (1.58, 0.14))
    reconstructor = Reconstructor(_WideNetwork(data, maps[[1, 1]], crop), passes=2)
    plain = Reconstructor(TrueNetwork(data, maps[[1, 1]]), passes=2)
    detected = DetectedFace(np.array([20.0, 20, 100, 100]), crops[1], "landmarks")
    (face,), (expected,) = (each.reconstruct(image, [detected]) for each in (reconstructor, plain))
    np.testing.assert_allclose(face.crop, expected.crop * [1, 1, MARGIN / CROP_MARGIN], rtol=1e-6)  # second pass
    np.testing.assert_allclose(face.landmarks, expected.landmarks, atol=1e-3)  # the same face in the photograph
    one_pass = Reconstructor(_WideNetwork(data, maps[[1, 1, 1]], crop), passes=1)
    (boxed,) = one_pass(image, np.array([[20, 20, 100, 100]]))
    np.testing.assert_allclose(boxed.crop, [60, 60, 80 * MARGIN])  # boxes are those of landmarks
    (of_box,) = one_pass.reconstruct(image, [replace(detected, has_box_only=True)])
    np.testing.assert_allclose(of_box.crop, [60, 60 + 0.14 * 80, 1.58 * 80])  # PRNet's crop from a detector's box
    (of_landmarks,) = one_pass.reconstruct(image, [detected])
    np.testing.assert_allclose(of_landmarks.crop, crops[1] * [1, 1, MARGIN / CROP_MARGIN])


@pytest.mark.slow
def test_a_run_says_its_crop_and_its_checkpoint_brings_it_along(wide_run, faces, model_file, tmp_path):
    config = yaml.safe_load(wide_run.config.read_text())
    assert config["data"]["crop_margin"] == MARGIN
    assert config["model"]["detector_crop"] == [1.58, 0.14]
    assert "crop_margin" not in config["model"]  # the command line takes it from data
    assert load_module(wide_run.best_checkpoint).crop == NetworkCrop(MARGIN, (1.58, 0.14))
    (own,) = (json.loads(path.read_text()) for path in (wide_run.path / FOLDER).glob("*.json"))
    options = [f"--data.test.root={faces}", f"--data.face_model.path={model_file}", f"--tracking.folder={tmp_path}"]
    moved = tmp_path / "moved.ckpt"
    moved.write_bytes(wide_run.best_checkpoint.read_bytes())
    tested = main(["test", f"--ckpt_path={moved}", *options, "--data.num_workers=0"])
    (again,) = (json.loads(path.read_text()) for path in (tested.folder.path / FOLDER).glob("*.json"))
    assert again == own  # the same figures, though no option named the crop
    assert yaml.safe_load(tested.folder.config.read_text())["data"]["crop_margin"] == MARGIN


def test_a_network_file_carries_its_crop(trained_run, tmp_path):
    options = read_hyper_parameters(trained_run.best_checkpoint)
    options |= {"crop_margin": MARGIN, "detector_crop": [1.58, 0.14]}
    module, file = load_module(trained_run.best_checkpoint), tmp_path / "wide.safetensors"
    assert module.crop == PLAIN_CROP
    write_packed(file, module, options, module.region_table, {})
    assert load_network(file).layout.crop == NetworkCrop(MARGIN, (1.58, 0.14))
    assert read_hyper_parameters(file)["crop_margin"] == MARGIN


@pytest.mark.slow
def test_a_torchscript_file_names_its_crop(wide_run, tmp_path):
    module = load_module(wide_run.best_checkpoint)
    FORMATS["torchscript"].write(ExportedNetwork(module).eval(), torch.zeros(2, 3, 32, 32), tmp_path / "wide.pt")
    stored = {"crop": ""}
    with pytest.deprecated_call():  # torch.jit as a whole
        torch.jit.load(tmp_path / "wide.pt", _extra_files=stored)
    assert json.loads(stored["crop"]) == {"margin": MARGIN, "detector": [1.58, 0.14]}


@pytest.mark.slow
def test_an_onnx_file_crops_as_its_checkpoint_does(wide_run, tmp_path):
    module = load_module(wide_run.best_checkpoint)
    FORMATS["onnx"].write(ExportedNetwork(module).eval(), torch.zeros(2, 3, 32, 32), tmp_path / "wide.onnx")
    assert load_network(tmp_path / "wide.onnx").layout.crop == network_of(module).layout.crop == module.crop


def test_checkpoints_of_earlier_versions_are_of_plain_crops(tmp_path):
    checkpoint = old_checkpoint(tmp_path)
    assert "crop_margin" not in read_hyper_parameters(checkpoint)
    assert load_module(checkpoint).crop == PLAIN_CROP


def test_what_is_no_crop_is_one_line(faces, model_file):
    for margin in (0.9, 10, float("nan"), -1):
        with pytest.raises(InputError, match=r"crop_margin is .*: give a number from 1 to below 10"):
            face_data(faces, model_file, crop_margin=margin)
    for detector in ([1.58], [0, 0.1], [1.5, 2], [float("nan"), 0]):
        with pytest.raises(InputError, match=r"detector_crop is .*: give two numbers"):
            FaceModule(Hourglass(2, 32, 32), 32, detector_crop=detector)
    with pytest.raises(
        InputError, match=r"--data.crop_margin is 1\.5, but the network is made for crops of margin 1\.6"
    ):
        require_same_crop(1.5, 1.6)
