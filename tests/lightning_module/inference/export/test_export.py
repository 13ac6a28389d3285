"""A network as a file of another runtime is the same network."""

import json

import numpy as np
import pytest
import torch
from torch import nn

from datamodules.errors import InputError
from datamodules.files.images import warp_image
from datamodules.geometry.crop import crop_boxes, crop_matrix
from datamodules.geometry.regions import five_regions, regions_as_data
from datamodules.geometry.uv_layout import make_uv_layout
from lightning_module.face_module import FaceModule
from lightning_module.inference.crop_network import load_network, network_of
from lightning_module.inference.export.export_command import export
from lightning_module.inference.export.exported_network import ExportedNetwork
from lightning_module.inference.export.folding import folded
from lightning_module.inference.export.formats import FORMATS
from lightning_module.inference.export.transposed import without_transposed
from lightning_module.inference.sample_photo import sample_crops
from lightning_module.networks.hourglass import Hourglass
from run import main
from tests.fakes import fake_model
from tests.real_faces import real_landmarks
from tests.runs import fit


def _trained(mirror_average=False, crop_average=False, **sizes):
    """A network whose norms have seen something, so that folding them shows."""
    torch.manual_seed(0)
    network = Hourglass(norm_momentum=0.5, **sizes)
    module = FaceModule(network, sizes["image_size"], mirror_average=mirror_average, crop_average=crop_average)
    module.adopt_layout(make_uv_layout(fake_model()))
    for name, parameter in module.network.named_parameters():
        if "norm" in name:
            nn.init.uniform_(parameter, 0.5, 1.5)
    with torch.no_grad():
        for _ in range(3):
            module.network(torch.rand(4, 3, sizes["image_size"], sizes["image_size"]))
    return module.eval().requires_grad_(False)


def test_a_decoder_of_convolutions_is_the_one_of_transposed_ones():
    network = folded(_trained(base_channels=4, image_size=64, map_size=32).network, 64)
    plain = without_transposed(network)
    image = torch.rand(2, 3, 64, 64)
    torch.testing.assert_close(plain(image), network(image), atol=1e-3, rtol=1e-4)
    assert not [layer for layer in plain.modules() if isinstance(layer, nn.ConvTranspose2d)]


@pytest.mark.parametrize("tail", ["linear", "published"])
def test_folding_changes_nothing_and_leaves_no_norm(tail):
    module = _trained(base_channels=4, image_size=64, map_size=64, tail=tail)
    network = folded(module.network, 64)
    image = torch.rand(2, 3, 64, 64)
    torch.testing.assert_close(network(image), module.network(image), atol=1e-3, rtol=1e-4)  # crop pixels
    assert not [layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)]
    assert [layer for layer in module.network.modules() if isinstance(layer, nn.BatchNorm2d)]


def _stored_regions(kind, path):
    """The text of a file's table of regions, by the runtime's own means."""
    stored = {"regions": ""}
    if kind == "torchscript":
        with pytest.deprecated_call():  # torch.jit as a whole
            torch.jit.load(path, _extra_files=stored)
    elif kind == "pt2":
        torch.export.load(path, extra_files=stored)
    else:
        onnx = pytest.importorskip("onnx")
        stored = {prop.key: prop.value for prop in onnx.load(path).metadata_props}
    return stored["regions"]


# ONNX in the quick tests is what the command below writes
@pytest.mark.parametrize("kind", [pytest.param("onnx", marks=pytest.mark.slow), "torchscript", "pt2"])
def test_every_format_is_the_checkpoint_for_any_number_of_faces(kind, tmp_path):
    module = _trained(base_channels=2, image_size=32, map_size=32, pairs=3, bypass_rank=4)
    images = torch.rand(5, 3, 32, 32)
    path = tmp_path / f"network{FORMATS[kind].ending}"
    FORMATS[kind].write(ExportedNetwork(module).eval(), images[:2], path)
    assert json.loads(_stored_regions(kind, path)) == regions_as_data(five_regions())
    run = FORMATS[kind].read(path)
    for count in (1, 2, 5):
        found = run(images[:count])
        maps = module(images[:count])
        torch.testing.assert_close(found.position_map, maps, atol=1e-3, rtol=1e-4)
        torch.testing.assert_close(found.landmarks_81, module.landmarks(maps), atol=1e-3, rtol=1e-4)
        assert torch.equal(found.regions, module.regions)
        assert torch.equal(found.landmark_texels, module.landmark_texels)
        assert torch.equal(found.mean_map, module.mean_map)


@pytest.fixture(scope="module")
def run(faces, model_file, tmp_path_factory):
    small = ["--trainer.max_epochs=1", "--model.network.pairs=1"]  # what an export takes grows with the layers
    return fit(faces, model_file, tmp_path_factory.mktemp("export"), *small, f"--data.test.root={faces}")


def test_an_export_says_what_it_is_and_predicts_what_the_checkpoint_does(run, tmp_path):
    out = tmp_path / "face.onnx"
    apart = main(["export", f"--ckpt_path={run.best_checkpoint}", "--format=onnx", f"--out={out}"])
    assert apart < 0.01
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["face.onnx", "face.onnx.md"]
    card = (tmp_path / "face.onnx.md").read_text()
    for said in (
        run.key,
        "| seed | 0 |",
        "16:5:4:3:0",
        "| trained on | faces",
        "mean of bins",
        "Licence",
        "(N, 3, 32, 32)",
    ):
        assert said in card
    crops = sample_crops(32)
    onnx, checkpoint = load_network(out), load_network(run.best_checkpoint)
    assert onnx.image_size == checkpoint.image_size == 32
    np.testing.assert_allclose(onnx.maps(crops), checkpoint.maps(crops), atol=1e-2)
    np.testing.assert_array_equal(onnx.layout.grid.is_valid, checkpoint.layout.grid.is_valid)
    np.testing.assert_array_equal(onnx.layout.landmark_texels, checkpoint.layout.landmark_texels)
    averaged = load_network(out, mirror_average=True).maps(crops)
    np.testing.assert_allclose(averaged, load_network(run.best_checkpoint, True).maps(crops), atol=1e-2)
    assert np.abs(averaged - onnx.maps(crops)).max() > 1e-3


def test_a_checkpoint_that_was_moved_has_a_card_that_says_so(run, tmp_path):
    checkpoint = tmp_path / "moved.ckpt"
    checkpoint.write_bytes(run.best_checkpoint.read_bytes())
    main(["export", f"--ckpt_path={checkpoint}", "--format=torchscript"])
    assert "outside its run's folder" in (tmp_path / "moved.pt.md").read_text()
    assert (tmp_path / "moved.pt").is_file()


def test_a_card_shows_no_figures_of_another_epoch(run, tmp_path):
    main(["export", f"--ckpt_path={run.last_checkpoint}", "--format=torchscript", f"--out={tmp_path / 'last.pt'}"])
    is_the_tested_one = run.last_checkpoint.read_bytes() == run.best_checkpoint.read_bytes()
    assert not is_the_tested_one
    assert "mean of bins" not in (tmp_path / "last.pt.md").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["torchscript", "onnx", "pt2"])
def test_a_network_that_averages_views_does_so_in_its_file_too(name, tmp_path):
    sizes = {"base_channels": 2, "image_size": 32, "map_size": 32, "pairs": 3}
    module = _trained(mirror_average=True, crop_average=True, **sizes)
    images = torch.rand(3, 3, 32, 32)
    FORMATS[name].write(ExportedNetwork(module).eval(), images[:2], tmp_path / "face.file")
    found = FORMATS[name].read(tmp_path / "face.file")(images).position_map
    torch.testing.assert_close(found, module.position_maps(images), atol=1e-3, rtol=1e-4)
    assert not torch.allclose(found, module(images), atol=1e-2)


@pytest.mark.slow
def test_the_published_network_is_the_same_in_onnx_on_real_crops(real, tmp_path):
    module = _trained(base_channels=16, image_size=256, map_size=256)
    crops = []
    for image, landmarks in real_landmarks(real, [path.stem for path in sorted((real / "aflw2000").glob("*.jpg"))]):
        crops.append(warp_image(image, crop_matrix(crop_boxes(landmarks[None])[0]), 256))
    FORMATS["onnx"].write(ExportedNetwork(module).eval(), torch.zeros(2, 3, 256, 256), tmp_path / "face.onnx")
    onnx, eager = load_network(tmp_path / "face.onnx"), network_of(module)
    apart = np.linalg.norm(onnx.maps(np.stack(crops)) - eager.maps(np.stack(crops)), axis=-1)
    print(f"ONNX against PyTorch, ten real crops at 256: {apart.mean():.2g} px on average, {apart.max():.2g} at most")
    assert apart.mean() <= 0.01


def test_a_file_that_does_something_else_is_not_written(run, tmp_path, monkeypatch):
    monkeypatch.setattr(
        ExportedNetwork,
        "forward",
        lambda self, image, forward=ExportedNetwork.forward: (lambda maps, *others: (maps + 0.1, *others))(
            *forward(self, image)
        ),
    )
    with pytest.raises(InputError, match="px on average, so it was not written"):
        export(run.best_checkpoint, "torchscript", tmp_path / "face.pt")
    assert not list(tmp_path.glob("*face*"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--ckpt_path=nowhere.ckpt", "--format=onnx"], "there is no such checkpoint"),
        (["--ckpt_path={ckpt}", "--format=tflite"], "tflite"),
        (["--ckpt_path={ckpt}", "--format=onnx", "--out={folder}/face.pt"], "ends in .onnx"),
        (["--ckpt_path={ckpt}", "--format=torchscript", "--out={folder}/a_file/face.pt"], "cannot be written"),
    ],
)
def test_a_mistake_is_one_clear_line(arguments, said, run, tmp_path, capsys):
    (tmp_path / "a_file").write_text("")
    given = [argument.format(ckpt=run.best_checkpoint, folder=tmp_path) for argument in arguments]
    with pytest.raises((InputError, SystemExit)) as error:
        main(["export", *given])
    assert said in str(error.value) + capsys.readouterr().err


@pytest.mark.parametrize("content", [b"", b"not onnx"])
def test_an_onnx_file_of_others_is_refused(content, tmp_path):
    (tmp_path / "a.onnx").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.onnx: is no ONNX file that `run.py export` wrote"):
        load_network(tmp_path / "a.onnx")
