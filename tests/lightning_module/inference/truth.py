"""Maps that are true in place of a network's, and faces made of them."""

import numpy as np
import torch

from lightning_module.inference.detection import FoundFace
from lightning_module.inference.photo_list import collect_photos
from lightning_module.inference.reconstruct import Making, reconstruct
from tests.face_data import face_data


class TrueNetwork:
    """Answers with true maps, in the order in which faces come."""

    def __init__(self, data, maps):
        layout = data.uv_layout
        self.image_size = 64
        self.mean_map, self.regions, self.landmark_texels = layout.mean_map, layout.regions, layout.landmark_texels
        self._maps = list(maps)

    def maps(self, crops):
        assert crops.shape[1:] == (64, 64, 3)
        return np.stack([self._maps.pop(0) for _ in crops])


def finder(crops):
    left = [FoundFace(np.array([20.0, 20, 100, 100]), crop, "truth") for crop in crops]
    return lambda path, image: [left.pop(0)]


def true_maps(folder, model_file):
    data = face_data(folder, model_file)
    data.prepare_data()
    faces = data.plain_faces()
    batch = torch.utils.data.default_collate([faces[0, position] for position in range(len(faces))])
    return (
        data,
        data.complete(batch).position_map.permute(0, 2, 3, 1).numpy(),
        np.stack([faces.box(position) for position in range(len(faces))]),
    )


def run_truth(fakes, out, making=Making(texture_size=128, passes=1)):  # noqa: B008
    folder, data, maps, crops = fakes
    photos = collect_photos([folder], out)
    return reconstruct(photos, finder(crops), TrueNetwork(data, maps), "truth.ckpt", out, making)
