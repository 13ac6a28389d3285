"""The name `pretrained`: every command that takes a network takes the one that comes with the project, and names it."""

import json
from pathlib import Path

import numpy as np
import pytest
import skimage.data
import torch
import yaml
from PIL import Image

from datamodules.errors import InputError
from lightning_module.checkpoint import checkpoint_digest, load_module
from lightning_module.inference.export.export_command import export
from lightning_module.inference.export.model_card import model_card
from lightning_module.inference.face_check import CONFIRMED
from lightning_module.inference.reconstructor import Reconstructor
from run import main
from sweeps.trial_config import digest
from tests.packed_files import coming_along, packed
from tests.runs import fit_arguments, history, mlflow_run, weights

BOX = np.array([[180.0, 80, 270, 170]])
FACTS = {"run": "a-run", "seed": "7", "epoch": "2", "figures": "NME 5 %", "licence": "Ours alone."}


@pytest.fixture(scope="module")
def file(trained_run, tmp_path_factory):
    return packed(trained_run, tmp_path_factory.mktemp("package") / "pretrained.safetensors", FACTS)


@pytest.fixture
def ours(file, tmp_path, monkeypatch):
    """The network that comes along, in a working directory where a file and a folder have its name."""
    (tmp_path / "pretrained").mkdir()
    (tmp_path / "pretrained" / "best.ckpt").write_text("not this one")
    monkeypatch.chdir(tmp_path)
    with coming_along(file):
        yield file


def _where(faces, model_file, folder):
    data = [f"--data.root={faces}", f"--data.test.root={faces}", f"--data.face_model.path={model_file}"]
    quiet = ["--data.val_fraction=0.3", "--data.num_workers=0", "--trainer.enable_progress_bar=false"]
    return [*data, *quiet, f"--tracking.folder={folder}"]


def test_predict_uses_it_where_no_network_is_named(ours, tmp_path):
    Image.fromarray(skimage.data.astronaut()).save(tmp_path / "me.png")
    (tmp_path / "boxes.json").write_text(json.dumps({"me.png": BOX.tolist()}))
    made = main(["predict", "me.png", "--boxes=boxes.json", "--texture_size=128"])
    assert made.page == Path("faces") / "index.html"
    assert (
        json.loads((tmp_path / "faces" / "me.json").read_text())["network"] == f"pretrained {checkpoint_digest(ours)}"
    )


def test_python_takes_the_name(ours, trained_run):
    image = skimage.data.astronaut()
    (face,), (own,) = (
        Reconstructor.load(network, detector="scikit-image", crop_average=True)(image, BOX)
        for network in ("pretrained", trained_run.best_checkpoint)
    )
    assert np.abs(face.landmarks - own.landmarks).max() < 0.5  # px


def test_confidences_decide_with_the_network_that_they_are_fitted_to(ours, trained_run):
    given = {"detector": "scikit-image"}
    assert Reconstructor.load("pretrained", **given).min_confidence == CONFIRMED
    assert Reconstructor.load(trained_run.best_checkpoint, **given).min_confidence == 0
    assert Reconstructor.load("pretrained", min_confidence=0.2, **given).min_confidence == 0.2


def test_photographs_are_averaged_over_crops_with_the_network_that_comes_along(ours):
    image = skimage.data.astronaut()
    by_default, averaged, single, followed = (
        network(image, BOX)[0].landmarks
        for network in (
            Reconstructor.load("pretrained", passes=1),
            Reconstructor.load("pretrained", passes=1, crop_average=True),
            Reconstructor.load("pretrained", passes=1, crop_average=False),
            Reconstructor.load("pretrained", passes=2).for_frames(),  # as in a video
        )
    )
    np.testing.assert_array_equal(by_default, averaged)
    assert np.abs(averaged - single).max() > 0.01
    np.testing.assert_array_equal(followed, single)


@pytest.fixture(scope="module")
def tested(file, faces, model_file, tmp_path_factory):
    with coming_along(file):
        where = _where(faces, model_file, tmp_path_factory.mktemp("tested"))
        return main(["test", "--ckpt_path=pretrained", *where])


def test_a_test_has_its_figures_and_names_it_with_its_checksum(tested, file, trained_run):
    own = next(value for (name, _), value in history(trained_run).items() if name == "test/nme/mean")
    assert tested.reports["test"]["nme"].mean_of_bins == pytest.approx(own, rel=1e-3)
    named = f"pretrained {checkpoint_digest(file)}"
    run = mlflow_run(tested.folder)
    assert run.info.run_name == "test pretrained"
    assert run.data.tags["checkpoint"] == run.data.tags["test.faces.checkpoint"] == named
    assert run.data.tags["test.faces.epoch"] == "2"
    assert yaml.safe_load(tested.folder.config.read_text())["ckpt_path"] == "pretrained"


@pytest.mark.slow
def test_a_tests_configuration_repeats_it_and_validate_takes_the_name(tested, ours, faces, model_file, trained_run):
    again = main(["test", f"--config={tested.folder.config}"])
    assert torch.equal(again.reports["test"]["nme"].per_face, tested.reports["test"]["nme"].per_face)
    report = main(["validate", "--ckpt_path=pretrained", *_where(faces, model_file, ours.parent)]).reports["val"]["nme"]
    best = min(value for (name, _), value in history(trained_run).items() if name == "val/nme/mean")
    assert report.mean_of_bins == pytest.approx(best, rel=1e-3)


def test_a_fit_starts_from_its_weights(ours, faces, model_file, tmp_path):
    options = ["--model.lr=0", "--trainer.max_epochs=1", "--test_at_end=false"]
    run = main(fit_arguments(faces, model_file, tmp_path, "--init_from=pretrained", *options)).folder
    new = weights(run)
    for name, value in load_module(ours).named_parameters():
        assert torch.equal(new[name], value), name
    named = f"pretrained {checkpoint_digest(ours)}"
    tags = run.tags()
    assert (tags["started_by"], tags["parent"], tags["checkpoint"]) == ("init_from", named, named)
    assert yaml.safe_load(run.config.read_text())["init_from"] == "pretrained"


@pytest.mark.parametrize("option", ["ckpt_path", "branch_from"])
def test_no_training_goes_on_from_it(option, ours, faces, model_file, tmp_path):
    fault = rf"--{option} pretrained: holds a network without .* optimiser.*--init_from pretrained"
    with pytest.raises(InputError, match=fault) as caught:
        main(fit_arguments(faces, model_file, tmp_path, f"--{option}=pretrained"))
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.glob("runs/*"))


@pytest.mark.slow
def test_an_export_lies_in_the_working_directory(ours, tmp_path):
    assert export(Path("pretrained"), "pt2") < 0.01
    assert (tmp_path / "pretrained.pt2").is_file()
    assert (tmp_path / "pretrained.pt2.md").is_file()
    assert not list(ours.parent.glob("*.pt2*"))  # not beside the network


def test_the_card_of_an_export_says_what_is_known_of_the_network(ours):
    card = model_card(ours, load_module(ours), "face.onnx", 0.001, 8)
    for part in (f"pretrained, sha256 {checkpoint_digest(ours)}", "| run | a-run |", "NME 5 %", "Ours alone."):
        assert part in card
    assert "300W" not in card  # whose terms do not reach it


def test_a_missing_network_is_one_line_that_names_the_remedy(faces, model_file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Image.fromarray(np.zeros((64, 64, 3), np.uint8)).save("me.png")
    fit = fit_arguments(faces, model_file, tmp_path, "--init_from=pretrained")
    commands = [["predict", "me.png"], ["test", "--ckpt_path=pretrained"], fit, ["export", "--ckpt_path=pretrained"]]
    commands[-1].append("--format=pt2")
    with coming_along(tmp_path / "nothing.safetensors"):
        for command in commands:
            with pytest.raises(
                InputError, match=r"comes with the project is missing .*Restore the file.*fit\."
            ) as caught:
                main(command)
            assert "\n" not in str(caught.value)


def test_trials_from_another_version_of_it_are_not_comparable(file, tmp_path):
    other = tmp_path / "other.safetensors"
    other.write_bytes(file.read_bytes() + b" ")
    plain, ours = {"model.lr": 0.1}, {"model.lr": 0.1, "init_from": "pretrained"}
    digests = {digest(plain)}
    for path in (file, other):
        with coming_along(path):
            digests.add(digest(ours))
    assert len(digests) == 3
    assert digest({**plain, "init_from": "runs/a/best.ckpt"}) == digest(plain)  # whose path differs between machines
