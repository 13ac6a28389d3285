"""A stranger's table of regions, and a stranger's weight mask: one function, or one file, and one option."""

import json
import shutil

import numpy as np
import pytest
import torch
import yaml

from datamodules.errors import InputError
from datamodules.geometry.landmarks import JAW
from datamodules.geometry.regions import RegionSpec, face_labels, five_regions
from lightning_module.checkpoint import load_module
from lightning_module.region_weights import RegionWeights
from lightning_module.reporting.figures import region_weights_figure
from run import main
from sweeps.search_space import SearchSpace, weights_from_store
from sweeps.settings import SweepSettings
from sweeps.storage import open_storage
from sweeps.training import TrainingRequest
from sweeps.worker_process import stage_queue, work
from tests.runs import fit, history, mlflow_run
from tests.sweeps.stubs import formula, settings

# A stranger's code: the jaw line as a region of its own, and the mouth before eyes and nose.


def jaw_line(landmark_texels, size):
    """The texels within a twelfth of the map above or below the jaw line."""
    jaw = landmark_texels[JAW]
    from_left = jaw[np.argsort(jaw[:, 1], kind="stable")]
    jaw_row = np.interp(np.arange(size), from_left[:, 1], from_left[:, 0])
    return np.abs(np.arange(size)[:, None] - jaw_row) <= size / 12


def six_regions():
    """Mouth and jaw line before what they overlap with."""
    regions = {region.name: region for region in five_regions()}
    jaw = RegionSpec(6, "jaw", "jaw line", "#e0b050", True, 3.0, (0.3, 100.0), jaw_line)
    order = ("landmarks", "mouth", "eyes_nose", "jaw", "face", "neck")
    return tuple((regions | {"jaw": jaw})[name] for name in order)


TEST_ROOT = "--data.test.root="
OPTIONS = ["--data.regions=tests.test_seam_regions.six_regions", "--model.weights.jaw=12"]


@pytest.fixture(scope="module")
def run(faces, model_file, tmp_path_factory):
    return fit(
        faces, model_file, tmp_path_factory.mktemp("jaw"), *OPTIONS, "--trainer.max_epochs=1", TEST_ROOT + str(faces)
    )


def test_the_sixth_region_is_weighed_measured_and_named(run):
    assert mlflow_run(run).info.run_name == "16-4-5-12-3-0 s0"
    assert yaml.safe_load(run.config.read_text())["data"]["regions"] == "tests.test_seam_regions.six_regions"
    assert mlflow_run(run).data.params["weights.jaw"] == "12.0"
    names = {name for name, _ in history(run)}
    assert {"val/nme_jaw/mean", "test/faces/nme_jaw/mean", "test/faces/nme_mouth/mean"} <= names
    (record,) = (run.path / "evaluation").glob("*.json")
    assert json.loads(record.read_text())["protocols"]["nme_jaw"]["definition"].endswith('the region "jaw line".')


def test_its_texels_have_their_weight_and_the_order_of_precedence_holds(run):
    module = load_module(run.best_checkpoint)
    weights, labels = module.weight_map.clone(), module.regions
    weights[tuple(module.landmark_texels.T)] = 0  # drawn as points on top
    jaw, face = (weights[labels == label].max() for label in (6, 4))
    assert jaw / face == pytest.approx(4)
    nose_and_mouth = five_regions()[1].draw(texels := module.landmark_texels[:68].numpy(), 256)
    nose_and_mouth &= five_regions()[2].draw(texels, 256)
    assert nose_and_mouth.any()
    assert set(labels.numpy()[nose_and_mouth]) == {3}


def test_its_checkpoint_is_tested_and_its_faces_have_a_jaw(run, faces, model_file, tmp_path):
    checkpoint = shutil.copy(run.best_checkpoint, tmp_path / "alone.ckpt")
    where = [TEST_ROOT + str(faces), f"--data.face_model.path={model_file}", f"--tracking.folder={tmp_path}"]
    result = main(["test", f"--ckpt_path={checkpoint}", *where])
    assert result.reports["test"]["nme_jaw"].mean_of_bins == pytest.approx(
        history(run)["test/faces/nme_jaw/mean", 3], rel=1e-4
    )
    table = load_module(run.best_checkpoint).region_table
    assert [region.title for region in table] == [region.title for region in six_regions()]
    assert 6 in face_labels(table)


def test_a_branch_takes_another_table_than_its_parent(faces, model_file, tmp_path):
    parent = fit(faces, model_file, tmp_path, "--trainer.max_epochs=1")
    options = [f"--branch_from={parent.last_checkpoint}", *OPTIONS, f"--tracking.folder={tmp_path}"]
    branch = main(["fit", *options, "--trainer.max_epochs=2"]).folder
    assert ("val/nme_jaw/mean", max(step for _, step in history(branch))) in history(branch)
    assert "jaw" in [region.name for region in load_module(branch.last_checkpoint).region_table]


def test_weights_of_several_files_and_options_add_up(tmp_path, capsys):
    (tmp_path / "one.yaml").write_text("model: {weights: {landmarks: 1, mouth: 2}}\n")
    (tmp_path / "two.yaml").write_text("model: {weights: {mouth: 3}}\n")
    options = [f"--config={tmp_path / 'one.yaml'}", "--model.weights.face=4", f"--config={tmp_path / 'two.yaml'}"]
    with pytest.raises(SystemExit):
        main(["fit", *options, "--print_config"])
    printed = yaml.safe_load(capsys.readouterr().out)["model"]["weights"]
    assert printed == {"landmarks": 1, "face": 4, "mouth": 3}


def test_picture_and_search_space_name_it():
    weights = RegionWeights.of(six_regions(), {})
    figure = region_weights_figure(
        np.ones((8, 8), np.float32),
        np.full((8, 8), 6, np.uint8),
        np.zeros((81, 2), np.int64),
        six_regions(),
        "16-4-5-3-3-0",
    )
    (legend,) = (axes.get_legend() for axes in figure.axes if axes.get_legend())
    assert "jaw line" in {text.get_text() for text in legend.get_texts()}
    assert "jaw=(0.3, 100.0)" in SearchSpace().signature(six_regions())
    assert SearchSpace().parameters(weights)["jaw"] == 3


def test_a_sweep_searches_the_regions_of_its_trials(tmp_path):
    config = tmp_path / "trial.yaml"
    config.write_text("data: {regions: tests.test_seam_regions.six_regions}\n")
    asked = settings(tmp_path, config=config, n_trials=4, space=SearchSpace(ranges={"jaw": (5.0, 50.0)}))
    assert SweepSettings.from_json(asked.to_json()) == asked
    assert asked.reference.ratio == "16-4-5-3-3-0"
    work("search", asked, formula)
    trials = stage_queue("search", asked, open_storage(asked.storage)).finished()
    assert all(5 <= trial.user_attrs["weights"]["jaw"] <= 50 for trial in trials)
    weights = weights_from_store(asked.regions, trials[-1].user_attrs["weights"])
    arguments = TrainingRequest(asked, weights, 0, {}, False, lambda _: True).arguments()
    assert f"--model.weights.jaw={weights.by_name['jaw']}" in arguments


def test_a_mask_of_ones_own_replaces_the_regions_weights(faces, model_file, tmp_path):
    mask = np.zeros((256, 256))
    mask[100:160, 80:176] = 2
    mask[150:, :] += 1
    np.save(tmp_path / "lips.npy", mask)
    run = fit(faces, model_file, tmp_path, f"--model.weight_map={tmp_path / 'lips.npy'}", "--trainer.max_epochs=1")
    weights = torch.load(run.last_checkpoint, weights_only=True)["state_dict"]["weight_map"]
    np.testing.assert_allclose(weights, mask / mask[mask > 0].mean(), rtol=1e-6)
    assert mlflow_run(run).info.run_name == "mask lips s0"
    assert load_module(run.last_checkpoint).weights_name == "mask lips"


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (np.ones((64, 64)), r"\(256, 256\)"),
        (np.full((256, 256), np.nan), "finite"),
        (-np.ones((256, 256)), "at least 0"),
        (np.zeros((256, 256)), "not all of them 0"),
    ],
)
def test_a_mask_that_weighs_nothing_is_refused(mask, message, faces, model_file, tmp_path):
    np.save(tmp_path / "mask.npy", mask)
    with pytest.raises(InputError, match=f"mask.npy: .*{message}"):
        fit(faces, model_file, tmp_path, f"--model.weight_map={tmp_path / 'mask.npy'}")
