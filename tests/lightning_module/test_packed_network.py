"""Network files: what they hold, what they keep of a checkpoint, and files that are damaged or hostile."""

import json

import pytest
import torch
from safetensors.torch import load_file

from datamodules.errors import InputError
from lightning_module import packed_network
from lightning_module.averaged_maps import NO_AVERAGES
from lightning_module.checkpoint import load_module, read_hyper_parameters
from lightning_module.configuration.checkpoint_progress import read_progress
from lightning_module.packed_network import read_packed, write_packed
from tests.packed_files import packed, rewritten


@pytest.fixture(scope="module")
def file(trained_run, tmp_path_factory):
    return packed(trained_run, tmp_path_factory.mktemp("packed") / "small.safetensors", {"seed": "0", "epoch": "2"})


def test_a_network_file_keeps_everything_of_its_checkpoint_but_half_of_the_digits(file, trained_run):
    module, again = load_module(trained_run.best_checkpoint), load_module(file)
    assert read_hyper_parameters(file) == read_hyper_parameters(trained_run.best_checkpoint)
    assert (again.image_size, again.averages, again.is_residual) == (32, NO_AVERAGES, True)
    assert [(r.name, r.weight, r.is_face) for r in again.region_table] == [
        (r.name, r.weight, r.is_face) for r in module.region_table
    ]
    parameters = dict(module.named_parameters())
    for name, value in module.state_dict().items():
        expected = value.half().float() if name in parameters else value
        assert torch.equal(again.state_dict()[name], expected), name
    image = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    assert (again.position_maps(image) - module.position_maps(image)).abs().max() < 0.3
    assert {value.dtype for name, value in load_file(file).items() if name in parameters} == {torch.float16}
    assert read_packed(file)["facts"] == {"seed": "0", "epoch": "2"}


def test_a_network_file_holds_no_state_of_an_optimiser(file):
    progress = read_progress(file)
    assert (progress.has_optimizer, progress.is_epoch_end, progress.epoch) == (False, False, 2)


def _cut(path):
    return path.read_bytes()[:-100]


def _with_other_number(path):
    content = bytearray(path.read_bytes())
    content[-20] ^= 4
    return bytes(content)


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        (_cut, "is damaged or no network file"),
        (_with_other_number, "is damaged: its contents do not have its checksum"),
        (lambda _: b"", "is damaged or no network file"),
        (lambda _: b"\xff" * 400, "is damaged or no network file"),
        (lambda path: path.read_bytes().replace(b'\\"seed\\": \\"0\\"', b'\\"seed\\": \\"1\\"'), "its checksum"),
    ],
)
def test_a_damaged_file_is_one_line_with_the_remedy(damage, fault, file, tmp_path):
    path = tmp_path / "damaged.safetensors"
    path.write_bytes(damage(file))
    assert path.read_bytes() != file.read_bytes()
    with pytest.raises(InputError, match=rf"damaged\.safetensors: .*{fault}.*Copy it again") as caught:
        load_module(path)
    assert "\n" not in str(caught.value)


def test_a_tensor_that_was_exchanged_is_noticed(file, tmp_path):
    other = rewritten(file, tmp_path / "other.safetensors", {}, landmark_texels=torch.zeros(81, 2, dtype=torch.int64))
    with pytest.raises(InputError, match="do not have its checksum"):
        load_module(other)


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        (
            {"network": {"class_path": "tests.strangers_network.TwoConvolutions", "init_args": {}}},
            "its network is tests",
        ),
        ({"network": {"class_path": "os.system", "init_args": {"command": "true"}}}, "its network is os.system"),
        ({"network": "lightning_module.networks.compact.CompactNetwork"}, "its network is None"),
        ({"regions": "os.getcwd"}, "its table of regions is os.getcwd"),
        ({"image_size": ...}, "it has no image_size"),
    ],
)
def test_a_file_names_nothing_but_our_own_classes(options, fault, file, tmp_path, monkeypatch):
    path = _forged(file, tmp_path, monkeypatch, options)
    with pytest.raises(InputError, match=fault) as caught:
        load_module(path)
    assert "\n" not in str(caught.value)


def test_arguments_of_a_network_name_no_classes(file, tmp_path, monkeypatch):
    network = read_hyper_parameters(file)["network"]
    nested = {**network, "init_args": {**network["init_args"], "tail": {"class_path": "os.system"}}}
    path = _forged(file, tmp_path, monkeypatch, {"network": nested})
    with pytest.raises(InputError, match="arguments of its network are no plain values"):
        load_module(path)


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("format", "weightmask network 2", "is no network file of this version .format 'weightmask network 2'."),
        ("frame", '{"crop_margin": 1.6}', "its crops and maps are"),
        ("facts", "{", "is no network file of this project"),
        ("regions", '[{"label": 1}]', "is no network file of this project"),
    ],
)
def test_a_file_of_another_version_is_one_line(name, value, fault, file, tmp_path, monkeypatch):
    monkeypatch.setattr(packed_network, "_checksum", lambda *_: "agreed")
    path = rewritten(file, tmp_path / "other.safetensors", {"checksum": "agreed", name: value})
    with pytest.raises(InputError, match=fault) as caught:
        load_module(path)
    assert "\n" not in str(caught.value)


def test_only_our_own_networks_in_finite_numbers_are_written(trained_run, tmp_path):
    module, options = load_module(trained_run.best_checkpoint), read_hyper_parameters(trained_run.best_checkpoint)
    stranger = {**options, "network": {"class_path": "my.Network", "init_args": {}}}
    with pytest.raises(InputError, match=r"its network is my\.Network"):
        write_packed(tmp_path / "a.safetensors", module, stranger, module.region_table, {})
    name, parameter = next(iter(module.network.named_parameters()))
    parameter.data.fill_(1e6)
    with pytest.raises(InputError, match=rf"half precision cannot hold network\.{name}"):
        write_packed(tmp_path / "a.safetensors", module, options, module.region_table, {})
    assert not list(tmp_path.iterdir())


def _forged(file, folder, monkeypatch, options):
    """A file with other options and a checksum that its author has made agree."""
    own = {**read_packed(file)["hyper_parameters"], **options}
    kept = {name: value for name, value in own.items() if value is not ...}
    monkeypatch.setattr(packed_network, "_checksum", lambda *_: "agreed")
    return rewritten(file, folder / "forged.safetensors", {"checksum": "agreed", "options": json.dumps(kept)})
