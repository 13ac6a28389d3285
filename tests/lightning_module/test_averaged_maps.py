"""Testing with several views of an image: mirrored, turned, enlarged and reduced."""

import pytest
import torch

from datamodules.errors import InputError
from lightning_module.averaged_maps import NO_AVERAGES, Averages
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


def _spot(x_px, y_px, width_px, size=64):
    """(1, 3, size, size) a round spot whose place and width are in pixels of the 256 px crop."""
    centres = (torch.arange(size) + 0.5) * 256 / size - 0.5
    spot = torch.exp(-((centres[None] - x_px) ** 2 + (centres[:, None] - y_px) ** 2) / (2 * width_px**2))
    return spot.expand(1, 3, size, size)


def _found(image):
    """(N, 3, 256, 256) maps that are the place of the spot everywhere, and its width as depth."""
    centres = (torch.arange(image.shape[-1]) + 0.5) * 256 / image.shape[-1] - 0.5
    weight = image[:, 0] / image[:, 0].sum(dim=(1, 2), keepdim=True)
    x, y = (weight.sum(dim=axis) @ centres for axis in (1, 2))
    width = ((weight * ((centres[None] - x) ** 2 + (centres[:, None] - y) ** 2)).sum(dim=(1, 2)) / 2).sqrt()
    return torch.stack([x, y, width], dim=1)[..., None, None].expand(-1, -1, 256, 256)


def test_what_is_found_in_turned_and_scaled_crops_is_where_it_is_in_the_crop_itself():
    seen = []

    def maps(image):
        seen.append(_found(image)[0, :, 0, 0])
        return _found(image)

    averaged = Averages(crops=True).maps(maps, _spot(150.0, 90.0, 14.0))
    torch.testing.assert_close(averaged[0, :, 7, 9], torch.tensor([150.0, 90.0, 14.0]), atol=0.15, rtol=0)
    assert len(seen) == 5
    assert torch.stack(seen).std(dim=0).min() > 0.5  # in the crops that the network saw, it was elsewhere
    assert len({tuple(place.round(decimals=1).tolist()) for place in seen}) == 5


def test_mirror_images_and_crops_are_averaged_together_or_alone():
    count = []
    for averages, views in (
        (NO_AVERAGES, 1),
        (Averages(True), 2),
        (Averages(False, True), 5),
        (Averages(True, True), 10),
    ):
        count.clear()
        averages.maps(lambda image: (count.append(1), _found(image))[1], _spot(120.0, 130.0, 12.0))
        assert len(count) == views
    assert Averages().changed(None, True) == Averages(False, True)
    assert Averages(True, True).in_words == "mirror images and five crops"


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
    turned = main([*test, "--model.crop_average=true"])
    assert mlflow_run(turned.folder).data.params["crop_average"] == "True"
    averaged = main(["test", f"--config={config}", *test[1:]])
    errors = [result.reports["test"]["nme"].mean_of_bins for result in (as_fitted, averaged, plain, turned)]
    assert errors[0] == errors[1]
    assert len(set(errors)) == 3
    with pytest.raises(InputError, match=r"--model\.network\.pairs cannot be changed"):
        main([*test, "--model.network.pairs=4"])
