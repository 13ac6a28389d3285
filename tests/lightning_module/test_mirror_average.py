"""Testing with an image and its mirror image."""

import pytest
import torch

from datamodules.errors import InputError
from lightning_module.face_module import FaceModule
from lightning_module.networks.hourglass import Hourglass
from run import main
from tests.runs import fit, mlflow_run


def test_a_mirrored_image_gets_the_mirrored_map():
    torch.manual_seed(0)
    module = FaceModule(Hourglass(2, 32, 32), 32, mirror_average=True).eval()
    torch.nn.init.normal_(next(reversed(list(module.network.parameters()))))  # a linear tail starts from zero
    image = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        plain, map_, mirrored = module(image), module.position_maps(image), module.position_maps(image.flip(-1))
    torch.testing.assert_close(mirrored[:, 0].flip(-1), 255 - map_[:, 0])
    torch.testing.assert_close(mirrored[:, 1:].flip(-1), map_[:, 1:])
    assert not torch.allclose(plain, map_)


@pytest.mark.slow
def test_a_test_averages_as_the_fit_did_or_as_it_is_asked_to(faces, model_file, tmp_path):
    run = fit(faces, model_file, tmp_path, "--trainer.max_epochs=1", "--model.mirror_average=true")
    config = tmp_path / "averaged.yaml"
    config.write_text("model: {mirror_average: true}\n")
    test = [
        "test",
        f"--ckpt_path={run.best_checkpoint}",
        f"--data.test.root={faces}",
        "--data.num_workers=0",
        f"--data.face_model.path={model_file}",
        f"--tracking.folder={tmp_path}",
    ]
    as_fitted, plain = main(test), main([*test, "--model.mirror_average=false"])
    assert as_fitted.folder.path == run.path
    assert plain.folder.path != run.path  # its figures are others
    assert mlflow_run(plain.folder).data.params["mirror_average"] == "False"
    averaged = main(["test", f"--config={config}", *test[1:]])
    errors = [result.reports["test"]["nme"].mean_of_bins for result in (as_fitted, averaged, plain)]
    assert errors[0] == errors[1]
    assert errors[1] != errors[2]
    with pytest.raises(InputError, match=r"--model\.network\.pairs cannot be changed"):
        main([*test, "--model.network.pairs=4"])
