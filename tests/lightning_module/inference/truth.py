"""Maps that are true in place of a network's, and faces made of them."""

import numpy as np
import torch

from datamodules.geometry.regions import face_labels, five_regions
from lightning_module.inference.detection import DetectedFace
from lightning_module.inference.face import MapLayout
from lightning_module.inference.photo_faces import write_faces
from lightning_module.inference.photo_list import collect_photos
from lightning_module.inference.reconstructor import Reconstructor
from tests.face_data import face_data


class TrueNetwork:
    """Answers with true maps, in the order in which faces come."""

    def __init__(self, data, maps):
        self.image_size = 64
        self.layout = map_layout(data)
        self._maps = list(maps)

    def maps(self, crops):
        assert crops.shape[1:] == (64, 64, 3)
        return np.stack([self._maps.pop(0) for _ in crops])


def map_layout(data):
    layout = data.uv_layout
    is_face = np.isin(layout.regions, face_labels(five_regions()))
    return MapLayout.of(layout.mean_map, is_face, layout.landmark_texels)


def detection(crop, box=(20.0, 20, 100, 100), detector="truth"):
    return DetectedFace(np.array(box, float), crop, detector)


def finder(crops):
    left = [detection(crop) for crop in crops]
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


def write_truth(places, find, network, out, texture_size=128, passes=1):
    photos = collect_photos(places, out)
    return write_faces(photos, find, Reconstructor(network, passes=passes), "truth.ckpt", out, texture_size)


def run_truth(fakes, out):
    folder, data, maps, crops = fakes
    return write_truth([folder], finder(crops), TrueNetwork(data, maps), out)
