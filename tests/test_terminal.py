"""What a fit shows where its output is no terminal."""

import re

import torch

from tests.runs import fit

SHOWN = ["--trainer.enable_progress_bar=true", "--trainer.enable_model_summary=true"]


def test_a_fit_prints_a_line_an_epoch_with_loss_nme_and_time_left(faces, model_file, tmp_path, capsys, caplog):
    fit(faces, model_file, tmp_path, *SHOWN, "--trainer.max_epochs=3", "--trainer.check_val_every_n_epoch=2")
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("epoch ")]
    number = r"\d+(\.\d+)?"
    assert len(lines) == 3
    assert re.fullmatch(rf"epoch 1 of 3: loss {number}, \d+ s left", lines[0])
    assert re.fullmatch(rf"epoch 2 of 3: loss {number}, validation NME {number} %, \d+ s left", lines[1])
    assert re.fullmatch(rf"epoch 3 of 3: loss {number}, 0 s left", lines[2])


def test_a_fit_shows_its_parameters_and_neither_flops_nor_a_version(faces, model_file, tmp_path, capsys):
    fit(faces, model_file, tmp_path, *SHOWN, "--trainer.max_epochs=1")
    shown = capsys.readouterr()
    assert re.search(r"([\d,]+) of \1 parameters are trained", shown.out)
    assert "FLOPs" not in shown.out + shown.err
    assert "v_num" not in shown.out + shown.err


def test_bf16_that_the_cpu_emulates_is_named_in_one_line(faces, model_file, tmp_path, caplog, monkeypatch):
    options = ["--trainer.max_epochs=1", "--trainer.precision=bf16-mixed"]
    for capabilities, is_emulated in (({"avx2": True}, True), ({"avx2": True, "amx_bf16": True}, False)):
        caplog.clear()
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda capabilities=capabilities: capabilities)
        fit(faces, model_file, tmp_path / str(is_emulated), *options)
        assert ("emulates bfloat16" in caplog.text) == is_emulated
