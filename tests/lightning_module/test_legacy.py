"""Checkpoints and options that older versions wrote keep their meaning."""

import pytest
import torch
import yaml

from datamodules.geometry.regions import five_regions
from lightning_module.checkpoint import load_module, read_hyper_parameters
from lightning_module.legacy import migrated_model_options
from lightning_module.networks.hourglass import Hourglass
from run import main
from tests.old_run import CONFIG, old_checkpoint, old_figures


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return old_checkpoint(tmp_path_factory.mktemp("old"))


def test_an_old_checkpoint_is_the_network_that_it_was(checkpoint):
    module = load_module(checkpoint)
    state = torch.load(checkpoint, weights_only=True)["state_dict"]
    assert isinstance(module.network, Hourglass)
    assert (module.image_size, module.map_size, module.region_weights.ratio) == (16, 8, "16-5-8-3-0")
    assert [region.name for region in module.region_table] == [region.name for region in five_regions()]
    assert torch.equal(module.network.bypass.reduce.weight, state["network.direct.reduce.weight"])
    for name in ("mean_map", "regions", "landmark_texels", "weight_map"):
        assert torch.equal(getattr(module, name), state[name])
    # as that version had it: 100 pixels for a unit of the decoder's and the bypass's sum, about the mean map
    image = torch.rand(2, 3, 16, 16)
    network = module.network
    with torch.no_grad():
        code = network.encoder(network.stem(image))
        offsets = 100 * (network.decoder(code) + network.bypass(code))
        enlarged = torch.nn.functional.interpolate(offsets, (256, 256), mode="bilinear", align_corners=True)
        torch.testing.assert_close(module(image), enlarged + module.mean_map, atol=1e-3, rtol=1e-5)


def test_an_old_checkpoint_is_tested_with_the_same_figures(checkpoint, tmp_path):
    options = yaml.safe_load(CONFIG.read_text())["data"]
    synthetic = (f"--data.synthetic.{name}={options['synthetic'][name]}" for name in ("samples", "test_samples"))
    result = main(
        [
            "test",
            f"--ckpt_path={checkpoint}",
            *synthetic,
            f"--data.synthetic.image_size={options['synthetic']['image_size']}",
            f"--data.batch_size={options['batch_size']}",
            "--data.num_workers=0",
            f"--tracking.folder={tmp_path}",
            "--trainer.accelerator=cpu",
            "--trainer.enable_progress_bar=false",
        ]
    )
    report = result.reports["test"]["nme"]
    logged = {name: value for (name, _), value in old_figures().items() if name.startswith("test/nme/")}
    figures = {f"test/nme/{name}": value for name, value in report.figures.items()}
    assert len(logged) == 4
    assert {name: figures[name] for name in logged} == pytest.approx(logged, rel=1e-6)


def test_options_of_an_old_checkpoint_have_todays_names(checkpoint):
    options = read_hyper_parameters(checkpoint)
    assert options["network"]["init_args"] == {
        "base_channels": 1,
        "map_size": 8,
        "tail": "linear",
        "norm_momentum": 0.1,
        "pairs": 2,
        "bypass_rank": 1,
        "image_size": 16,
    }
    assert options["weights"] == {"landmarks": 16, "eyes_nose": 5, "mouth": 8, "face": 3, "neck": 0}
    assert options["landmark_radius_texels"] == 0
    assert not {"loss_reduction", "direct_rank", "base_channels", "_instantiator"} & options.keys()
    assert migrated_model_options(options) == options  # today's stay as they are


def test_a_few_old_options_become_a_few_of_today():
    assert migrated_model_options({"pairs": 4, "lr": 0.1}) == {
        "network": {"class_path": "lightning_module.networks.hourglass.Hourglass", "init_args": {"pairs": 4}},
        "lr": 0.1,
    }
    assert migrated_model_options({"weights": {"mouth": 8}}) == {"weights": {"mouth": 8}}
    assert migrated_model_options({}) == {}


def test_an_old_loss_that_is_no_longer_there_is_named(caplog):
    assert migrated_model_options({"loss_reduction": "sum", "lr": 1.0}) == {"lr": 1.0}
    assert "loss_reduction sum was removed" in caplog.text
