"""Faults in what a stranger exchanges (network, regions, logger): one clear line each, and no run."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from pytorch_lightning.loggers import Logger
from torch import nn

from datamodules.errors import InputError, complaint
from datamodules.geometry.regions import RegionSpec, checked_table, draw_regions, five_regions
from lightning_module.configuration.class_arguments import options_of_file, plain_arguments, without_network_arguments
from lightning_module.configuration.command_options import FaceCLI
from lightning_module.network_check import output_size, training_offsets
from lightning_module.optimisation import adam_with_schedule
from run import main
from tests.fakes import landmark_uv
from tests.runs import TINY, fit_arguments, history

OPTIONS = [option for option in TINY if not option.startswith("--model.network")]
HERE = "tests.test_strangers_faults"


class Quarter(nn.Module):
    """A network whose arguments have the names of the hourglass's."""

    def __init__(self, base_channels: int = 3, pairs: int = 77, map_size: int = 55) -> None:
        super().__init__()
        self.arguments = (base_channels, pairs, map_size)
        self.layer = nn.Conv2d(3, 3, 4, 4)

    def forward(self, image):
        return self.layer(image)


class Failing(Quarter):
    def __init__(self) -> None:
        raise ValueError("no\nsuch width")


class Whole(Quarter):
    def forward(self, image):
        return self.layer(image).long()


class Single(Quarter):
    def forward(self, image):
        return self.layer(image)[..., :1, :1]


class Undefined(Quarter):
    def forward(self, image):
        return self.layer(image) * float("nan")


class Halved(Quarter):
    def __init__(self) -> None:
        super().__init__()
        self.half()


def _network(*options, config=None):
    files = [] if config is None else [f"--config={config}"]
    cli = FaceCLI("fit", [*OPTIONS, "--data.root=x", *files, *options])
    return cli.model.network


def test_another_network_does_not_inherit_the_arguments_of_the_default(tmp_path):
    name = f"--model.network={HERE}.Quarter"
    assert _network(name).arguments == (3, 77, 55)
    assert _network(name, "--model.network.pairs=2").arguments == (3, 2, 55)
    (tmp_path / "a.yaml").write_text(f"model: {{network: {{class_path: {HERE}.Quarter, init_args: {{pairs: 1}}}}}}\n")
    assert _network(config=tmp_path / "a.yaml").arguments == (3, 1, 55)
    hourglass = _network("--model.network=Hourglass", "--data.image_size=256", config=tmp_path / "a.yaml")
    assert type(hourglass).__name__ == "Hourglass"


def test_arguments_of_the_network_wait_for_the_checkpoint_that_names_it():
    options = ["--model.network.pairs=5", "--model.network.map_size", "32", "--model.lr=1", "--model.network=Hourglass"]
    assert without_network_arguments(options) == options
    started = [*options, "--init_from", "last.ckpt"]
    assert without_network_arguments(started) == [*options[3:], "--init_from", "last.ckpt"]


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ([f"--model.network={HERE}.Failing"], r"ValueError: no such width, .*test_strangers_faults\.py:\d+"),
        ([f"--model.network={HERE}.Whole"], r"Whole: gives torch\.int64 of shape \(2, 3, 8, 8\)\. Return floats"),
        ([f"--model.network={HERE}.Single"], r"Single: .*s of at least 2"),
        ([f"--model.network={HERE}.Halved"], r"Its parameters are torch\.float16: leave them in float32"),
        (["--model.network=nowhere.Net"], "No module named 'nowhere'.*PYTHONPATH"),
        (["--data.regions=nowhere.table"], "No module named 'nowhere'.*PYTHONPATH"),
        (["--model.network.image_size=64"], r"takes its image size from --data\.image_size"),
        (["--model.network.init_args.image_size", "64"], r"takes its image size from --data\.image_size"),
        (["--model.network", "{init_args: {image_size: 64}}"], r"Set data\.image_size"),
        (["--model.network.base_channels=4"], r"network\.base_channels: the chosen network has no such option. Name"),
        (["--trainer.max_epochs=many"], "Expected a <class 'int'>. Got value: many"),
    ],
)
def test_options_of_a_class_that_cannot_be_used(options, fault):
    with pytest.raises(InputError, match=fault) as caught:
        _network(*options)
    assert "\n" not in str(caught.value)


def test_a_network_gives_in_training_what_it_gives_in_evaluation():
    network, images = Quarter(), torch.zeros(4, 3, 32, 32)
    size = output_size(network, 32)
    assert training_offsets(network, images, size).shape == (4, 3, 8, 8)
    for forward, fault in (
        (lambda image: (network.layer(image),), "gives tuple in training"),
        (lambda image: network.layer(image)[:2], r"gives \(2, 3, 8, 8\) in training, where \(4, 3, 8, 8\)"),
        (lambda image: network.layer(image).detach(), "depend on no trainable parameter"),
    ):
        network.forward = forward
        with pytest.raises(InputError, match=fault):
            training_offsets(network, images, size)
    with pytest.raises(InputError, match="no trainable parameter"):
        adam_with_schedule(network.requires_grad_(False).parameters(), 1e-3, "halving", 20, 0, is_fused=False)


def test_a_network_of_nan_ends_the_fit_in_one_line(faces, model_file, tmp_path):
    options = [f"--model.network={HERE}.Undefined", "--trainer.logger=false", "--trainer.max_epochs=1"]
    with pytest.raises(InputError, match=r"not finite\. Training has diverged: lower --model\.lr") as caught:
        main(["fit", *OPTIONS, f"--data.root={faces}", f"--data.face_model.path={model_file}", *options])
    assert "\n" not in str(caught.value)


def test_region_weights_at_once_are_merged_by_name():
    assert plain_arguments(
        ["--model.weights.face=9", "--model.weights={mouth: 8}", "--model.weights", "{neck: 1}"]
    ) == [
        "--model.weights.face=9",
        "--model.weights.mouth=8",
        "--model.weights.neck=1",
    ]
    assert plain_arguments(["--model.weights"]) == ["--model.weights"]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (b"", "holds no options"),
        (b"- 1\n", "holds no options"),
        (b"a: [1", "is no YAML file"),
        ("model: é".encode("latin-1"), "is no YAML file"),
        (b"model: !!python/object/apply:os.system ['true']\n", "is no YAML file"),
        (b"model:\n", "model is None"),
        (b"data: 5\n", "data is 5"),
        (b"model: {weights: [1]}\n", r"model\.weights is \[1\]"),
    ],
)
def test_a_configuration_that_is_none_is_named(text, fault, tmp_path):
    (tmp_path / "mine.yaml").write_bytes(text)
    with pytest.raises(InputError, match=rf"mine\.yaml: {fault}") as caught:
        options_of_file(tmp_path / "mine.yaml")
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match=fault):
        FaceCLI("fit", ["--config", str(tmp_path / "mine.yaml")])


def test_a_parsers_complaint_keeps_the_fault_and_leaves_out_types():
    message = "Does not validate against any of the Union subtypes\nSubtypes: [a, b]\nErrors:\n  - needs wandb\n"
    message += (
        "  - Expected a <class 'NoneType'>\nGiven value type: <class 'x'>\nGiven value: Namespace(" + 70 * "a" + ")"
    )
    assert complaint(message) == "needs wandb"


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"label": 6.5}, "has label 6.5"),
        ({"label": "6"}, "has label '6'"),
        ({"name": 3}, "lower-case letters"),
        ({"weight": "4"}, "has weight '4'"),
        ({"weight": float("nan")}, "has weight nan"),
        ({"weight": -1}, "has weight -1"),
        ({"search_range": (5, 1)}, "has search_range"),
        ({"search_range": 5}, "has search_range"),
        ({"draw": "everywhere"}, "has draw 'everywhere'"),
    ],
)
def test_a_region_that_is_none_is_refused(change, fault):
    with pytest.raises(InputError, match=fault):
        replace(five_regions()[2], **change)


def test_a_function_that_returns_no_table_is_named():
    for function, fault in ((lambda: None, "TypeError"), (lambda x: x, "missing 1 required"), (lambda: 1 / 0, "Zero")):
        with pytest.raises(InputError, match=fault) as caught:
            checked_table(function)
        assert "\n" not in str(caught.value)


def _table(draw) -> tuple[RegionSpec, ...]:
    return (replace(five_regions()[1], label=6, name="jaw", draw=draw), *five_regions())


def test_a_draw_function_cannot_spoil_what_comes_after(caplog):
    texels = np.rint(landmark_uv()[:, ::-1] * 63).astype(np.int64)

    def spoil(landmark_texels, size):
        landmark_texels[:] = 0
        return np.zeros((size, size), bool)

    expected = draw_regions(five_regions(), texels, 64)
    assert not caplog.messages
    np.testing.assert_array_equal(draw_regions(_table(spoil), texels, 64), expected)
    assert caplog.messages == ["region 'jaw' has no texels, so that its weight is without effect."]
    with pytest.raises(InputError, match=r"region 'jaw': its draw function fails \(ZeroDivisionError"):
        draw_regions(_table(lambda texels, size: 1 / 0), texels, 64)


class Broken(Logger):
    """A logger whose service is gone."""

    name, version = "broken", "1"

    def log_hyperparams(self, params, *args, **kwargs):
        pass

    def log_metrics(self, metrics, step=None):
        raise ConnectionError("service\ngone")


@pytest.mark.slow
def test_a_logger_that_fails_does_not_end_the_fit(faces, model_file, tmp_path, caplog):
    options = [f"--trainer.logger={HERE}.Broken", "--trainer.max_epochs=1"]
    run = main(fit_arguments(faces, model_file, tmp_path, *options)).folder
    assert "val/nme/mean" in {name for name, _ in history(run)}
    (line,) = [message for message in caplog.messages if "Broken" in message]
    assert "ConnectionError: service gone" in line


def test_a_logger_without_its_package_is_one_line(faces, model_file, tmp_path):
    with pytest.raises(InputError, match=r"WandbLogger cannot be used \(.*wandb") as caught:
        main(fit_arguments(faces, model_file, tmp_path, "--trainer.logger=WandbLogger"))
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.glob("runs/*"))


def test_a_sweep_by_a_score_that_the_regions_do_not_have_starts_nothing(tmp_path):
    with pytest.raises(InputError, match=r"--score nme_jaw:mean: validation does not measure nme_jaw"):
        main(["sweep", "--score", "nme_jaw:mean", f"--folder={tmp_path}"])
    assert not list(tmp_path.iterdir())
