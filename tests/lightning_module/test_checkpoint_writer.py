"""Checkpoints: whole or not there, and never in the temporary folder."""

import os
import tempfile

import pytest
import torch
from lightning_fabric.plugins.io.torch_io import TorchCheckpointIO
from pytorch_lightning import Trainer

from datamodules.errors import InputError
from lightning_module.checkpoint_writer import WholeCheckpointIO, write_whole_checkpoints
from tests.runs import fit

CONTENT = {"state_dict": {"weight": torch.arange(5.0)}, "epoch": 3}


def _refuse(*_, **__):
    raise OSError(28, "No space left on device")


def test_the_file_is_that_of_lightning(tmp_path):
    TorchCheckpointIO().save_checkpoint(CONTENT, tmp_path / "theirs.ckpt")
    WholeCheckpointIO().save_checkpoint(CONTENT, tmp_path / "new" / "ours.ckpt")
    assert (tmp_path / "new" / "ours.ckpt").read_bytes() == (tmp_path / "theirs.ckpt").read_bytes()


def test_a_temporary_folder_without_room_does_not_matter(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "mkstemp", _refuse)
    WholeCheckpointIO().save_checkpoint(CONTENT, tmp_path / "a.ckpt")
    with pytest.raises(OSError, match="No space"):  # as Lightning alone would do
        TorchCheckpointIO().save_checkpoint(CONTENT, tmp_path / "b.ckpt")


def test_a_full_disk_leaves_the_checkpoint_before_and_names_the_option(tmp_path, monkeypatch):
    path = tmp_path / "a.ckpt"
    WholeCheckpointIO().save_checkpoint(CONTENT, path)
    monkeypatch.setattr(os, "fsync", _refuse)
    with pytest.raises(InputError, match=r"a\.ckpt: cannot be written \(No space left.*--tracking\.folder"):
        WholeCheckpointIO().save_checkpoint({**CONTENT, "epoch": 4}, path)
    assert torch.load(path, weights_only=True)["epoch"] == 3
    assert [file.name for file in tmp_path.iterdir()] == ["a.ckpt"]


def test_damage_behind_the_list_of_contents_is_one_line(tmp_path):
    path = tmp_path / "a.ckpt"
    WholeCheckpointIO().save_checkpoint({"weight": torch.ones(5000)}, path)
    data = bytearray(path.read_bytes())
    header = data.rfind(b"PK\x03\x04", 0, data.find(b"data/0"))  # of the weights themselves
    data[header : header + 4] = bytes(4)
    path.write_bytes(data)
    torch.load(path, weights_only=True, mmap=True)
    with pytest.raises(InputError, match=r"a\.ckpt: is damaged .* Give another checkpoint") as caught:
        WholeCheckpointIO().load_checkpoint(path, weights_only=True)
    assert "\n" not in str(caught.value)


def test_the_users_own_way_of_writing_is_kept():
    class Own(TorchCheckpointIO):
        pass

    options = {"logger": False, "accelerator": "cpu", "enable_model_summary": False, "enable_progress_bar": False}
    usual, chosen = Trainer(**options), Trainer(**options, plugins=[Own()])
    for trainer in (usual, chosen):
        write_whole_checkpoints(trainer)
    assert type(usual.strategy.checkpoint_io) is WholeCheckpointIO
    assert type(chosen.strategy.checkpoint_io) is Own


@pytest.mark.slow
def test_a_fit_needs_no_room_in_the_temporary_folder(faces, model_file, tmp_path, monkeypatch):
    monkeypatch.setattr("fsspec.implementations.local.tempfile.mkstemp", _refuse)
    run = fit(faces, model_file, tmp_path, f"--data.test.root={faces}")
    assert run.best_checkpoint.is_file()
    assert run.last_checkpoint.is_file()
    assert not [path for path in run.path.iterdir() if path.name.startswith(".")]
