"""What a fit shows, in a terminal and where its output is none."""

import re
import sys

import pytest
import torch
from pytorch_lightning import Trainer

from lightning_module.emulated_precision import warn_of_emulated_bf16
from tests.runs import fit


def test_a_fit_prints_its_size_and_a_line_an_epoch_with_loss_nme_and_time_left(
    faces, model_file, tmp_path, capsys, caplog, monkeypatch
):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True})
    fit(
        faces,
        model_file,
        tmp_path,
        "--trainer.enable_progress_bar=true",
        "--trainer.enable_model_summary=true",
        "--trainer.max_epochs=3",
        "--trainer.check_val_every_n_epoch=2",
        "--trainer.precision=bf16-mixed",
    )
    shown = capsys.readouterr()
    lines = [line for line in shown.out.splitlines() if line.startswith("epoch ")]
    number = r"\d+(\.\d+)?"
    assert len(lines) == 3
    assert re.fullmatch(rf"epoch 1 of 3: loss {number}, \d+ s left", lines[0])
    assert re.fullmatch(rf"epoch 2 of 3: loss {number}, validation NME {number} %, \d+ s left", lines[1])
    assert re.fullmatch(rf"epoch 3 of 3: loss {number}, validation NME {number} %, 0 s left", lines[2])
    assert re.search(r"Hourglass: ([\d,]+) of \1 parameters are trained", shown.out)
    assert "FLOPs" not in shown.out + shown.err
    assert "v_num" not in shown.out + shown.err
    assert [m for m in caplog.messages if "emulates bfloat16, which makes training 7 to 17 times slower" in m]


def test_tables_stand_below_the_progress_bar_of_their_stage(faces, model_file, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    more = [f"--data.test.root={faces}", "--trainer.enable_progress_bar=true", "--trainer.max_epochs=1"]
    fit(faces, model_file, tmp_path, *more)
    shown = capsys.readouterr()
    trained, tested = shown.out.split("validation on", 1)
    assert "Epoch 0/0" in trained
    assert "Epoch 0/0" not in tested
    before, _, after = tested.partition("test on")
    assert "Testing" in before
    assert "Testing" not in after
    assert "`Trainer.fit` stopped" not in shown.out + shown.err


def test_a_fit_without_a_validation_says_that_it_has_no_best_epoch(faces, model_file, tmp_path, caplog):
    run = fit(faces, model_file, tmp_path, "--trainer.max_epochs=1", "--trainer.limit_val_batches=0")
    assert not run.best_checkpoint.exists()
    assert run.last_checkpoint.is_file()
    assert [m for m in caplog.messages if "no best.ckpt. Set --trainer.limit_val_batches, which is 0, to 1" in m]


@pytest.mark.parametrize(
    ("precision", "capabilities", "is_emulated"),
    [
        ("bf16-mixed", {"avx2": True}, True),
        ("bf16-true", {"avx512_f": True}, True),
        ("bf16-mixed", {"avx512_bf16": True}, False),
        ("bf16-mixed", {"amx_bf16": True}, False),
        ("32-true", {"avx2": True}, False),
    ],
)
def test_emulated_bf16_is_named_in_one_line(precision, capabilities, is_emulated, caplog, monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    warn_of_emulated_bf16(Trainer(accelerator="cpu", precision=precision, logger=False, enable_checkpointing=False))
    assert len([m for m in caplog.messages if "emulates bfloat16" in m]) == is_emulated
