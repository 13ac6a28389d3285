from dataclasses import replace

import numpy as np
import pytest

from datamodules.face_datamodule import FaceDataModule
from datamodules.geometry.camera import projections
from datamodules.geometry.face_size import box_size
from datamodules.geometry.landmark_model import LandmarkModel
from datamodules.readers.index_options import IndexOptions
from datamodules.synthetic.default_data import SyntheticFaces
from datamodules.synthetic.variety import Variety

FACES = SyntheticFaces(samples=48, test_samples=6, image_size=64, labels="fitted")


@pytest.mark.slow
@pytest.mark.parametrize(
    "variety",
    [
        Variety(proportions=True),
        Variety(children=0.5),
        Variety(elderly=0.5),
        Variety(expressions=1),
        Variety(wide_poses=1),
        Variety(proportions=True, children=0.3, elderly=0.3, expressions=0.5, wide_poses=0.5),
    ],
    ids=lambda variety: "+".join(variety.changes()),
)
def test_labels_of_varied_faces_are_off_by_as_much_as_those_of_others(variety, tmp_path):
    """Those of the default faces are off by 1.3 % of the size of the face."""
    data = FaceDataModule(
        synthetic=replace(FACES, variety=variety),
        index=IndexOptions(cache_dir=tmp_path),
        num_workers=0,
        image_size=32,
        val_fraction=0.2,
    )
    data.prepare_data()
    data.setup("fit")
    truth, labels = data.folders.training_data().index, data.folders.labelled_data().index
    landmarks = LandmarkModel(data.folders.targets.model.morphable)
    true_px, label_px = (
        landmarks.project(index.identity, index.expression, projections(index.poses, index.image_sizes[:, 1]))
        for index in (truth, labels)
    )
    errors = 100 * np.linalg.norm((label_px - true_px)[..., :2], axis=-1).mean(axis=1) / box_size(true_px)
    assert 1.0 < errors.mean() < 1.55
    assert errors.max() < 3
    assert data.train_faces[0, 0].image.shape[:2] == (32, 32)
