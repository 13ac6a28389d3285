"""The package of the network that comes with the project: who may be in it, its card, and its way to the user."""

import hashlib
import re
import tomllib
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from datamodules.errors import InputError
from lightning_module import pretrained_network
from lightning_module.checkpoint import load_module
from lightning_module.inference.pretrained import package_writer
from lightning_module.inference.pretrained.package_card import Package, package_card, with_figures
from lightning_module.inference.pretrained.package_writer import write_package
from tests.runs import PROJECT, copied

MEASURED = {
    "command": "python -m benchmarks.pretrained_recipe FOLDER",
    "date": "2026-01-02",
    "machine": {"cores": 2, "processor": "a processor", "gpu": None},
    "figures": {
        "recipe": "python run.py fit --config conf/pretrained.yaml",
        "networks": {
            "seed 0": {"epochs": 26, "photographs, all": 4.567},
            "seed 1": {"epochs": 13, "photographs, all": 4.9, "more": 1},
        },
    },
}


@pytest.fixture(autouse=True)
def _crops(monkeypatch):
    """Noise in place of crops of a face, which takes seconds to find."""
    noise = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), np.uint8)
    monkeypatch.setattr(package_writer, "sample_crops", lambda size: noise)


@pytest.fixture
def formula_run(trained_run, tmp_path):
    """A run whose configuration names no data of others."""
    run = copied(trained_run, tmp_path)
    _set(run, {"data": {"root": None, "face_model": {"path": None}, "synthetic": {"samples": 12}}})
    return run


def _set(run, options):
    config = yaml.safe_load(run.config.read_text())
    for name, value in options.items():
        config[name] = {**config[name], **value} if isinstance(value, dict) else value
    run.config.write_text(yaml.safe_dump(config))


def test_the_package_is_a_file_that_can_be_loaded_and_a_card_that_describes_it(formula_run, tmp_path):
    package = write_package(formula_run.best_checkpoint, MEASURED, tmp_path / "package")
    path = tmp_path / "package" / "pretrained.safetensors"
    assert {file.name for file in path.parent.iterdir()} == {path.name, "README.md"}
    assert package.path == path
    module, own = load_module(path), load_module(formula_run.best_checkpoint)
    image = torch.rand(2, 3, 32, 32)
    assert (module.position_maps(image) - own.position_maps(image)).abs().max() < 0.3
    card = (path.parent / "README.md").read_text()
    for part in (
        hashlib.sha256(path.read_bytes()).hexdigest(),
        "| NME % of the 68 landmarks, unless otherwise said | seed 0 | seed 1 |",
        "| epochs | 26 | 13 |",
        "| photographs, all | 4.57 | 4.90 |",
        "| more | - | 1 |",
        "python run.py fit --config conf/pretrained.yaml",
        "2026-01-02, 2 cores of a processor",
        "| seed | 0 |",
        "| region weights | 16:5:4:3:0 |",
        "odd and even are their ranks",
        "MIT, as the code.",
    ):
        assert part in card
    assert not [line for line in card.splitlines() if len(line) > 120 and not line.startswith("|")]


def test_a_card_without_measurements_says_so(formula_run, tmp_path):
    write_package(formula_run.best_checkpoint, {}, tmp_path / "package")
    card = (tmp_path / "package" / "README.md").read_text()
    assert "## Recipe\n\nNot known.\n" in card
    assert "NME %, 68 landmarks, x y, on faces:" in card  # the test of the run itself
    assert "seed 0" not in card


def test_a_card_gets_other_figures_and_keeps_the_rest(formula_run, tmp_path):
    write_package(formula_run.best_checkpoint, {}, tmp_path)
    card = (tmp_path / "README.md").read_text()
    renewed = with_figures(card, MEASURED)
    write_package(formula_run.best_checkpoint, MEASURED, tmp_path)
    kept = [line for line in (tmp_path / "README.md").read_text().splitlines() if "sha256" not in line]
    own = [line for line in renewed.splitlines() if "sha256" not in line]
    assert own[own.index("## Figures") :] == kept[kept.index("## Figures") :]
    assert own[: own.index("## Recipe")] == kept[: kept.index("## Recipe")]
    with pytest.raises(InputError, match=r"^the card has no \"## Figures\" before \"## Limits\"\. Pack"):
        with_figures(card.replace("## Limits", "## Others"), MEASURED)


@pytest.mark.parametrize("figures", [{"networks": {"seed 0": 5}}, {"networks": 5}, {"recipe": 5}, 5])
def test_figures_of_another_form_are_one_line(figures, trained_run):
    package = Package(Path("a"), load_module(trained_run.best_checkpoint), {}, {}, 1, "", 0.0)
    with pytest.raises(InputError, match=r"Give the file of benchmarks\.pretrained_recipe") as caught:
        package_card(package, {**MEASURED, "figures": figures})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"data": {"root": "300W_LP"}}, r"data\.root 300W_LP"),
        ({"data": {"face_model": {"path": "BFM.mat"}}}, r"data\.face_model\.path BFM\.mat"),
        ({"init_from": "other.ckpt"}, r"init_from other\.ckpt"),
        ({"branch_from": "other.ckpt"}, r"branch_from other\.ckpt"),
    ],
)
def test_a_network_that_has_seen_what_others_own_does_not_come_along(options, fault, formula_run, tmp_path):
    _set(formula_run, options)
    with pytest.raises(InputError, match=rf"was trained with {fault}, whose owner's terms may extend"):
        write_package(formula_run.best_checkpoint, MEASURED, tmp_path / "package")
    assert not (tmp_path / "package").exists()


def test_a_network_of_unknown_origin_does_not_come_along(formula_run, tmp_path):
    moved = formula_run.best_checkpoint.rename(tmp_path / "moved.ckpt")
    with pytest.raises(InputError, match="lies outside its run's folder"):
        write_package(moved, MEASURED, tmp_path / "package")
    formula_run.config.write_text("model: [")
    with pytest.raises(InputError, match="origin of the network is not known"):
        write_package(formula_run.last_checkpoint, MEASURED, tmp_path / "package")


@pytest.mark.parametrize(
    ("limit", "value", "fault"),
    [("_MOST_BYTES", 1000, "at most 0.001 are allowed"), ("_MOST_PX", 0.0, "maps differ by .* px on average")],
)
def test_a_file_that_is_too_large_or_too_coarse_is_not_written(limit, value, fault, formula_run, tmp_path, monkeypatch):
    monkeypatch.setattr(package_writer, limit, value)
    with pytest.raises(InputError, match=fault):
        write_package(formula_run.best_checkpoint, MEASURED, tmp_path / "package")
    assert not list((tmp_path / "package").iterdir())


def test_the_files_are_data_of_their_package():
    settings = tomllib.loads((PROJECT / "pyproject.toml").read_text())
    package = "lightning_module.inference.pretrained"
    named = settings["tool"]["setuptools"]["package-data"][package]
    assert set(named) == {pretrained_network.FILE.name, package_writer.CARD}
    assert pretrained_network.FILE.parent == PROJECT / package.replace(".", "/")
    assert (PROJECT / package.replace(".", "/") / "__init__.py").is_file()
    patterns = (PROJECT / ".gitattributes").read_text()
    assert re.search(r"^\*\.safetensors binary$", patterns, re.MULTILINE)


def test_the_network_that_comes_along_is_whole():
    if not pretrained_network.FILE.is_file():
        pytest.skip(f"needs {pretrained_network.FILE}")
    module = load_module(pretrained_network.FILE)
    assert module.position_maps(torch.zeros(1, 3, module.image_size, module.image_size)).isfinite().all()
    assert pretrained_network.FILE.stat().st_size <= package_writer._MOST_BYTES
    digest = hashlib.sha256(pretrained_network.FILE.read_bytes()).hexdigest()
    assert digest in (pretrained_network.FILE.parent / package_writer.CARD).read_text()
