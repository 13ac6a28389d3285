import pytest
import torch

from tests.runs import assert_same_weights, fit, history

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")]


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_one_seed_gives_one_run_bit_for_bit_on_a_gpu(precision, faces, model_file, tmp_path):
    options = [
        "--trainer.accelerator=gpu",
        "--trainer.devices=1",
        f"--trainer.precision={precision}",
        f"--data.test.root={faces}",
    ]
    one, other = (fit(faces, model_file, tmp_path / name, *options) for name in ("one", "other"))
    assert history(one) == history(other)
    assert_same_weights(one, other)


def test_a_fit_on_a_gpu_goes_on_bit_for_bit(faces, model_file, tmp_path):
    from run import main

    options = ["--trainer.accelerator=gpu", "--trainer.devices=1"]
    whole = fit(faces, model_file, tmp_path / "whole", *options, "--trainer.max_epochs=4")
    fit(faces, model_file, tmp_path / "parts", *options)
    rest = main(["fit", "--ckpt_path=last", f"--tracking.folder={tmp_path / 'parts'}", "--trainer.max_epochs=4"]).folder
    assert_same_weights(rest, whole)
