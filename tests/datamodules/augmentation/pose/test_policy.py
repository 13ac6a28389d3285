import logging

import numpy as np
import pytest

from datamodules.augmentation.pose.policy import PROBABILITY, choose_pose_augmenter
from datamodules.augmentation.pose.pose_options import PoseAugmentation
from datamodules.augmentation.pose.view_writer import Poses
from datamodules.errors import InputError
from datamodules.face_datamodule import FaceDataModule
from datamodules.files.bfm import read_morphable_model
from datamodules.files.face_mat import read_face_mat, write_face_mat
from datamodules.render_views import render_views
from datamodules.synthetic.default_data import SyntheticFaces
from tests.face_data import face_data, face_index
from tests.fakes import write_faces


def _choose(root, model_file, cache, probability=None):
    index = face_index(root, cache)
    model, options = read_morphable_model(model_file), PoseAugmentation(probability=probability)
    return choose_pose_augmenter(index, np.arange(len(index)), model, options)


def test_faces_are_rendered_at_other_poses_where_few_of_them_look_to_the_side(model_file, tmp_path):
    frontal = write_faces(tmp_path / "frontal", [0.0, 10, -20, 30])
    every_pose = write_faces(tmp_path / "every", [0.0, 80, -70, 30])
    lp = write_faces(tmp_path / "lp", [0.0, 10], ["AFW/a_0", "AFW_Flip/a_0"])
    assert _choose(frontal, model_file, tmp_path).probability == PROBABILITY
    assert _choose(every_pose, model_file, tmp_path) is None
    assert _choose(lp, model_file, tmp_path) is None
    assert _choose(every_pose, model_file, tmp_path, 0.2).probability == 0.2
    assert _choose(frontal, model_file, tmp_path, 0.0) is None


@pytest.mark.parametrize("option", [{"pose_augmentation": PoseAugmentation(probability=0.5)}, {"repeats": 2}])
def test_streamed_faces_come_once_and_at_their_own_pose(option):
    with pytest.raises(InputError, match="streamed faces"):
        FaceDataModule(synthetic=SyntheticFaces(stream=True), **option)


def test_views_of_the_test_photographs_are_noticed(model_file, tmp_path, caplog):
    root = write_faces(tmp_path / "data", [0.0, 5])
    render_views(face_data(root, model_file), tmp_path / "views", Poses((60.0,)))
    module = face_data(tmp_path / "views", model_file, root, val_fraction=0)
    module.setup("fit")
    assert "2 of the 2 test photographs are in the training set too" in caplog.text


def test_faces_with_a_doubtful_fit_are_shown_at_their_own_pose_and_counted(model_file, tmp_path, caplog):
    root = write_faces(tmp_path / "data", [0.0] * 5)
    off, outside = read_face_mat(root / "image00001.mat"), read_face_mat(root / "image00003.mat")
    write_face_mat(
        root / "image00001.mat", off._replace(landmarks_image_px=off.landmarks_image_px + np.float32([9, 0, 0]))
    )
    outside.pose[3] -= 70  # most of it left of the photograph
    write_face_mat(root / "image00003.mat", outside._replace(landmarks_image_px=None))
    with caplog.at_level(logging.INFO):
        augmenter = _choose(root, model_file, tmp_path)
    assert augmenter.rows.tolist() == [0, 2, 4]
    assert "3 of 5 faces can be rendered" in caplog.text
    assert "2 of 5 faces are shown at their own pose only" in caplog.text
    assert "image00001: its fit is" in caplog.text
    rng = np.random.default_rng(0)
    views = [[augmenter.draw_view(augmenter.index.record(row), rng) is None for _ in range(20)] for row in range(5)]
    assert [all(plain) for plain in views] == [False, True, False, True, False]


def test_validation_faces_lend_nothing(model_file, tmp_path):
    root = write_faces(tmp_path / "data", [0.0] * 12)
    module = face_data(root, model_file, image_size=32, val_fraction=0.3, repeats=3)
    module.setup("fit")
    assert module.train_faces._placement._augmenter.rows.tolist() == module.train_faces.rows.tolist()
    assert module.val_faces._placement._augmenter is None
    assert len(module.train_faces) == 3 * len(module.train_faces.rows)
    assert len(module.val_faces) + len(module.train_faces.rows) == 12
