"""The code of docs/extending.md does what the page says."""

import importlib
import json
import re

import numpy as np
import pytest
import torch

from datamodules.files.bfm import read_morphable_model
from datamodules.geometry.regions import draw_regions
from datamodules.geometry.uv_layout import uv_to_texels
from datamodules.readers.sample_reader import SampleReader
from lightning_module.region_weights import RegionWeights
from tests.doc_pages import PROJECT, examples


@pytest.fixture
def example(tmp_path, monkeypatch):
    """Imports an example by its name, as `run.py` would."""
    for name, block in examples().items():
        (tmp_path / f"{name}.py").write_text(block)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return importlib.import_module


def test_the_example_network_maps_crops_of_any_size_to_offsets(example):
    network = example("my_network").TinyNetwork(channels=4)
    for size in (32, 64, 128):
        assert network(torch.rand(2, 3, size, size)).shape == (2, 3, 16, 16)


def test_the_example_region_has_texels_weight_and_a_place_in_the_ratio(example, model_file):
    table = example("my_regions").six_regions()
    weights = RegionWeights.of(table, {"jaw": 8})
    assert weights.ratio == "16-8-5-4-3-0"
    model = read_morphable_model(model_file)
    texels = np.rint(uv_to_texels(model.uv[model.landmark_vertices], 256)).astype(np.int64)
    labels = draw_regions(table, texels, 256)
    assert 17 < (labels == 6).sum() < 17 * 16 * 16
    assert {2, 3, 4, 5, 6} == set(np.unique(labels).tolist())


def test_the_example_mask_is_one_that_the_option_takes(example):
    example("make_mask")
    mask = np.load("mask.npy")
    assert mask.shape == (256, 256)
    assert mask.min() > 0


def test_the_example_reader_lists_and_reads_samples(example, tmp_path):
    root = tmp_path / "faces"
    root.mkdir()
    (root / "ada.png").touch()
    values = {"coefficients": list(range(30)), "pose": [0, 0.1, 0, 5, 6, 0, 0.001]}
    (root / "ada.json").write_text(json.dumps(values))
    reader = example("my_reader").JsonReader()
    assert isinstance(reader, SampleReader)
    assert reader.list_samples(root).keys == ["ada"]
    face = reader.read(root, "ada")
    assert (len(face.identity), len(face.expression), face.pose.shape) == (20, 10, (7,))
    assert reader.image_path(root, "ada").is_file()


def test_the_example_score_holds(example):
    assert str(example("my_score").score) == "nme_mouth:worst"


def test_the_example_logger_writes_metrics(example, tmp_path):
    logger = example("my_logger").TextLogger(tmp_path / "metrics.txt")
    logger.log_metrics({"val/nme/mean": 4.5}, 3)
    assert (tmp_path / "metrics.txt").read_text() == "3 val/nme/mean=4.5\n"


def test_the_table_of_costs_counts_the_examples():
    lines = {name: sum(bool(line.strip()) for line in block.splitlines()) for name, block in examples().items()}
    rows = re.findall(
        r"^\| ([\w ]+) \|.*\| (\d+) \| (\d+) \| 0 \|$",
        (PROJECT / "docs" / "extending.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    counted = {name: int(own) for name, _, own in rows}
    assert counted == {
        "network": lines["my_network"],
        "regions": lines["my_regions"],
        "weight of single texels": lines["make_mask"],
        "sample reader": lines["my_reader"],
        "score": 0,
        "loggers": lines["my_logger"],
    }
