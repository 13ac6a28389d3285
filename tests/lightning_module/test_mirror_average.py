"""Testing with an image and its mirror image."""

import pytest
import torch

from datamodules.errors import InputError
from lightning_module.face_module import FaceModule
from run import main
from tests.runs import fit, mlflow_run


def test_a_mirrored_image_gets_the_mirrored_map():
    torch.manual_seed(0)
    module = FaceModule(2, 32, 32, mirror_average=True).eval()
    torch.nn.init.normal_(next(reversed(list(module.network.parameters()))))  # a linear tail starts from zero
    image = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        plain, map_, mirrored = module(image), module._judged(image), module._judged(image.flip(-1))
    torch.testing.assert_close(mirrored[:, 0].flip(-1), 255 - map_[:, 0])
    torch.testing.assert_close(mirrored[:, 1:].flip(-1), map_[:, 1:])
    assert not torch.allclose(plain, map_)


def test_it_can_be_asked_for_beside_a_checkpoint_and_is_a_run_of_its_own(faces, model_file, tmp_path):
    run = fit(faces, model_file, tmp_path, "--trainer.max_epochs=1")
    test = ["test", f"--ckpt_path={run.last_checkpoint}", f"--data.test_root={faces}", "--data.num_workers=0",
            f"--data.morphable_model={model_file}", f"--tracking.folder={tmp_path}"]  # fmt: skip
    plain, averaged = (main([*test, f"--model.mirror_average={asked}"]) for asked in ("false", "true"))
    assert averaged.folder.path != run.path
    assert mlflow_run(averaged.folder).data.params["mirror_average"] == "True"
    errors = [result.reports["test"]["nme"].mean_of_bins for result in (plain, averaged)]
    assert errors[0] != errors[1]
    with pytest.raises(InputError, match=r"--model\.pairs cannot be changed"):
        main([*test, "--model.pairs=4"])


def test_a_test_of_a_fit_that_averages_averages_too(faces, model_file, tmp_path):
    run = fit(faces, model_file, tmp_path, "--trainer.max_epochs=1", "--model.mirror_average=true")
    config = tmp_path / "plain.yaml"
    test = ["test", f"--ckpt_path={run.best_checkpoint}", f"--data.test_root={faces}", "--data.num_workers=0",
            f"--data.morphable_model={model_file}", f"--tracking.folder={tmp_path}"]  # fmt: skip
    same, plain = main(test), main([*test, "--model.mirror_average=false"])
    assert same.folder.path == run.path
    assert plain.folder.path != run.path
    config.write_text("model: {mirror_average: true}\n")
    again = main(["test", f"--config={config}", *test[1:]])
    assert again.reports["test"]["nme"].mean_of_bins == same.reports["test"]["nme"].mean_of_bins
