import torch
from torch.utils.data import default_collate

from lightning_module.face_module import FaceModule
from lightning_module.map_output import resampling
from lightning_module.networks.hourglass import Hourglass
from tests.face_data import face_data


def test_each_area_keeps_its_share_of_the_weight_at_any_resolution(faces, model_file):
    data = face_data(faces, model_file, val_fraction=0)
    layout = data.uv_layout
    enlarge = resampling(32, 256)
    for label in (2, 4):  # a small and a large region
        weights = torch.from_numpy((layout.regions == label).astype("float32"))
        small = enlarge.mT @ weights @ enlarge
        torch.testing.assert_close(small.sum(), weights.sum(), rtol=1e-4, atol=0)


def test_a_map_made_small_is_the_large_one_read_at_its_texels(faces, model_file):
    data = face_data(faces, model_file, val_fraction=0, augment=False)
    data.prepare_data()
    data.setup("fit")
    batch = default_collate([data.train_faces[0, i] for i in range(3)])
    large, small = data.complete(batch).position_map, data.complete(batch, 18).position_map  # 255 / 17 is whole
    difference = large[:, :, ::15, ::15] - small
    torch.testing.assert_close(difference[:, :2], torch.zeros_like(small[:, :2]), atol=2e-3, rtol=0)
    assert difference[:, 2].flatten(1).std(dim=1).max() < 2e-3  # depths agree up to where they are counted from


def test_a_network_that_predicts_no_deviation_answers_with_the_mean_map(faces, model_file):
    data = face_data(faces, model_file, val_fraction=0)
    module = FaceModule(Hourglass(2, 32, 32, pairs=3), 32).eval()
    module.adopt_layout(data.uv_layout)
    with torch.no_grad():
        torch.testing.assert_close(module(torch.rand(1, 3, 32, 32))[0], module.mean_map)
