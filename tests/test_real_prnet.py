"""PRNet's way of cropping and reading landmarks, with true maps in place of its network's, on the real samples."""

import numpy as np
import pytest
import torch
from torch.utils.data import default_collate

from datamodules.files.prnet_uv_data import read_prnet_uv_data
from datamodules.geometry.crop import crop_boxes, crop_matrix, uncrop_points
from lightning_module.evaluation.nme import landmark_nme
from lightning_module.inference.prnet.import_command import CROP_MARGIN, DETECTOR_CROP
from lightning_module.inference.prnet.prnet_layout import prnet_layout
from tests.face_data import face_data


@pytest.fixture(scope="module")
def uv_data(real):
    return read_prnet_uv_data(real / "uv")


def test_landmarks_in_prnets_crops_at_prnets_texels_are_the_annotated_ones(real, uv_data):
    data = face_data(
        real / "aflw2000", real / "bfm" / "BFM.mat", val_fraction=0, augment=False, crop_margin=CROP_MARGIN
    )
    data.prepare_data()
    data.setup("fit")
    faces = data.train_faces
    batch = data.complete(default_collate([faces[0, position] for position in range(len(faces))]))
    row, col = uv_data.landmark_texels.T
    in_crop = batch.position_map[:, :, row, col].mT.numpy()
    # the published formula: the crop's corners are 0 and 255, its side 1.6 times the mean side of the landmarks' box
    plain = [faces.box(position) for position in range(len(faces))]
    read = np.stack([uncrop_points(points, crop_matrix(box)) for points, box in zip(in_crop, plain, strict=True)])
    nme = landmark_nme(torch.from_numpy(read), torch.from_numpy(np.array(faces.index.landmarks_image_px)).double())
    assert len(nme) == 10
    print(f"landmarks in PRNet's crops, x and y: {nme.mean():.3f} % of sqrt(w h)")
    assert nme.mean() < 0.75
    sides = [box[2] / crop_boxes(points[None])[0, 2] for box, points in zip(plain, read, strict=True)]
    assert np.mean(sides) == pytest.approx(1.6 / 1.5, rel=0.01)


def test_the_folder_gives_prnets_face_texels_and_a_mean_face_for_head_poses(real, uv_data):
    layout, _ = prnet_layout(uv_data, real / "bfm" / "BFM.mat")
    assert (layout.regions != 5).sum() == 43_867
    of_formula, source = prnet_layout(uv_data)
    assert source == "this project's synthetic faces"
    near = np.linalg.norm((of_formula.mean_map - layout.mean_map)[tuple(uv_data.landmark_texels.T)][:, :2], axis=1)
    print(f"landmarks of the synthetic mean face from those of the model: {near.mean():.1f} px in a crop of 256")
    assert near.mean() < 15
    assert DETECTOR_CROP == [1.58, 0.14]
