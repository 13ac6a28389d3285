"""A weight mask of one's own takes the place of the regions' weights."""

import numpy as np
import pytest
import torch

from datamodules.errors import InputError
from lightning_module.checkpoint import load_module
from lightning_module.weight_file import read_weight_map
from tests.runs import fit, mlflow_run, weights


def test_a_fit_is_weighted_by_the_file(faces, model_file, tmp_path):
    mask = np.zeros((256, 256))
    mask[100:150, 60:200] = [2] * 70 + [6] * 70
    np.save(tmp_path / "nose only.npy", mask)
    run = fit(faces, model_file, tmp_path, f"--model.weight_map={tmp_path / 'nose only.npy'}", "--trainer.max_epochs=1")
    np.testing.assert_allclose(weights(run)["weight_map"], mask / 4, rtol=1e-6)
    assert mlflow_run(run).info.run_name == "mask nose only s0"
    (tmp_path / "nose only.npy").unlink()
    module = load_module(run.best_checkpoint)  # which needs the file no more
    assert module.weights_name == "mask nose only"
    assert torch.equal(module.weight_map, weights(run)["weight_map"])


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (
            np.ones((64, 64)),
            r"holds float64 of shape \(64, 64\). Give --model.weight_map numbers of shape \(256, 256\)",
        ),
        (-np.ones((256, 256)), "finite weights of at least 0"),
        (np.full((256, 256), np.nan), "finite weights of at least 0"),
        (np.zeros((256, 256)), "not all of them 0"),
        (np.full((256, 256), "a"), "numbers of shape"),
        (b"no array", "is no .npy file of numbers"),
        (None, "cannot be read"),
    ],
)
def test_what_is_no_weight_map_is_one_clear_line(content, fault, tmp_path):
    path = tmp_path / "mask.npy"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        np.save(path, content)
    with pytest.raises(InputError, match=fault) as caught:
        read_weight_map(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_missing_starts_no_run(faces, model_file, tmp_path):
    with pytest.raises(InputError, match=r"gone\.npy: cannot be read .* Set --model\.weight_map"):
        fit(faces, model_file, tmp_path / "mlruns", f"--model.weight_map={tmp_path / 'gone.npy'}")
    assert not (tmp_path / "mlruns" / "runs").exists()
