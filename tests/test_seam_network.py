"""Another network is one class and one option: it is trained, resumed, tested, exported, and used on photographs."""

import numpy as np
import pytest
import skimage.data
import torch
from PIL import Image
from torch import nn

from datamodules.errors import InputError
from lightning_module.checkpoint import load_module
from lightning_module.face_module import FaceModule
from lightning_module.inference.reconstructor import Reconstructor
from lightning_module.network_check import output_size
from lightning_module.networks.hourglass import Hourglass
from run import main
from tests.runs import TINY, history, mlflow_run
from tests.strangers_network import TwoConvolutions

NETWORK = ["--model.network=tests.strangers_network.TwoConvolutions", "--model.network.width=5"]
# the options of tiny fits, without those of the hourglass
OPTIONS = [option for option in TINY if not option.startswith("--model.network")]
BOXES = np.array([[180.0, 80, 270, 170]])  # of the astronaut's face


@pytest.fixture(scope="module")
def run(faces, model_file, tmp_path_factory):
    folder = tmp_path_factory.mktemp("stranger")
    data = [f"--data.root={faces}", f"--data.test.root={faces}", f"--data.face_model.path={model_file}"]
    return main(["fit", *OPTIONS, *NETWORK, *data, f"--tracking.folder={folder}"]).folder


def test_it_is_trained_and_tested(run):
    module = load_module(run.best_checkpoint)
    assert isinstance(module.network, TwoConvolutions)
    assert (module.map_size, module.network.map.in_features) == (8, 5 * 8 * 8)
    assert {"train/loss", "val/loss_256", "val/nme/worst", "test/loss_256"} <= {name for name, _ in history(run)}
    params = mlflow_run(run).data.params
    assert params["network"] == "tests.strangers_network.TwoConvolutions"
    assert params["width"] == "5"


def test_it_goes_on_where_it_stopped(run):
    again = main(["fit", "--ckpt_path=last", f"--tracking.folder={run.path.parents[1]}", "--trainer.max_epochs=3"])
    assert again.folder == run
    assert len([name for name, _ in history(run) if name == "train/loss"]) == 3


def test_it_is_exported_and_reconstructs_faces_as_its_checkpoint_does(run, tmp_path):
    apart = main(["export", f"--ckpt_path={run.best_checkpoint}", "--format=onnx", f"--out={tmp_path / 'a.onnx'}"])
    assert apart < 0.01
    assert "TwoConvolutions" in (tmp_path / "a.onnx.md").read_text()
    image = skimage.data.astronaut()
    (by_file,), (by_checkpoint,) = (
        Reconstructor.load(path)(image, BOXES) for path in (tmp_path / "a.onnx", run.best_checkpoint)
    )
    np.testing.assert_allclose(by_file.landmarks, by_checkpoint.landmarks, atol=0.05)


def test_predict_uses_it(run, tmp_path):
    Image.fromarray(skimage.data.astronaut()).save(tmp_path / "a.png")
    (tmp_path / "boxes.json").write_text('{"a.png": [180, 80, 270, 170]}')
    options = [f"--boxes={tmp_path / 'boxes.json'}", "--texture_size=128", f"--out={tmp_path / 'out'}"]
    made = main(["predict", str(tmp_path / "a.png"), f"--ckpt_path={run.best_checkpoint}", *options])
    assert made.faces == ["a"]


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        (["--model.network=tests.strangers_network.TwoConvolution"], "TwoConvolution"),
        (["--model.network=pathlib.Path"], "pathlib.Path"),
        ([*NETWORK, "--model.network.depth=3"], "depth"),
        ([*NETWORK, "--data.image_size=64"], r"TwoConvolutions: does not take images of shape \(2, 3, 64, 64\)"),
        (["--model.network=torch.nn.Flatten"], r"Flatten: returns \(2, 3072\).*Return \(N, 3, s, s\)"),
    ],
)
def test_a_network_that_does_not_fit_is_one_clear_line(options, fault, faces, model_file, tmp_path):
    data = [f"--data.root={faces}", f"--data.face_model.path={model_file}", f"--tracking.folder={tmp_path}"]
    with pytest.raises(InputError, match=fault) as caught:
        main(["fit", *OPTIONS, *data, *options])
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "runs").exists()


def test_a_network_made_in_python_is_given_again_to_load_its_checkpoint(tmp_path):
    module = FaceModule(TwoConvolutions(3), 32, weights={"mouth": 8.0})
    checkpoint = {
        "state_dict": module.state_dict(),
        "hyper_parameters": dict(module.hparams),
        "pytorch-lightning_version": "2.0.0",
    }
    module.on_save_checkpoint(checkpoint)
    torch.save(checkpoint, tmp_path / "a.ckpt")
    with pytest.raises(InputError, match=r"a\.ckpt: its network was constructed in Python.*load_from_checkpoint"):
        load_module(tmp_path / "a.ckpt")
    loaded = FaceModule.load_from_checkpoint(tmp_path / "a.ckpt", network=TwoConvolutions(3))
    assert torch.equal(loaded.network.map.weight, module.network.map.weight)
    assert loaded.region_weights.ratio == "16-5-8-3-0"


def test_a_checkpoint_makes_nothing_but_networks(run, tmp_path):
    checkpoint = torch.load(run.best_checkpoint, weights_only=True)
    for class_path, fault in (
        ("subprocess.Popen", "subprocess.Popen cannot be constructed"),
        ("somewhere.Else", "somewhere.Else cannot be constructed .* Make its class importable"),
    ):
        checkpoint["hyper_parameters"]["network"] = {"class_path": class_path, "init_args": {}}
        torch.save(checkpoint, tmp_path / "a.ckpt")
        with pytest.raises(InputError, match=fault):
            load_module(tmp_path / "a.ckpt")


class Noisy(nn.Module):
    def __init__(self):
        super().__init__()
        self.network = nn.Sequential(nn.BatchNorm2d(3), nn.Dropout())
        self.network[1].eval()

    def forward(self, image):
        return self.network(image) + torch.randn(())


def test_finding_the_size_of_maps_leaves_no_trace():
    network = Noisy()
    state = {name: value.clone() for name, value in network.state_dict().items()}
    random = torch.get_rng_state()
    assert output_size(network, 16) == 16
    assert torch.equal(torch.get_rng_state(), random)
    assert all(torch.equal(value, state[name]) for name, value in network.state_dict().items())
    assert (network.training, network.network[0].training, network.network[1].training) == (True, True, False)
    assert output_size(Hourglass(2, 32, 16, pairs=3), 32) == 16
