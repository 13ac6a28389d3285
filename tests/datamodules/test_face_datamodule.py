import logging
import shutil

import numpy as np
import pytest
import torch
from torch.utils.data import default_collate

from datamodules.augmentation.augmentation_options import Augmentation
from datamodules.errors import InputError
from datamodules.files.face_mat import read_face_mat, write_face_mat
from datamodules.geometry.landmarks import MIRROR_68
from datamodules.readers.stored_map_reader import StoredMapReader
from tests.face_data import face_data
from tests.fakes import fake_face, write_faces
from tests.map_reading import read_texels


def _module(root, model_file, **more):
    module = face_data(root, model_file, **({"image_size": 64, "val_fraction": 0.3} | more))
    module.prepare_data()
    module.setup("fit")
    return module


def _only(**ranges):
    neutral = {
        "rotation_deg": 0,
        "scale": (1, 1),
        "shift": 0,
        "mirror_probability": 0,
        "colour_gain": (1, 1),
        "erase_probability": 0,
    }
    return Augmentation(**(neutral | ranges))


def test_every_face_trains_or_validates(faces, model_file):
    module = _module(faces, model_file)
    train, val = (set(part.rows.tolist()) for part in (module.train_faces, module.val_faces))
    assert not train & val
    assert train | val == set(range(12))
    assert val


def test_views_of_one_photograph_stay_on_one_side(model_file, tmp_path):
    names = [
        f"{folder}/AFW_{photo}_{view}" for photo in range(12) for view in range(2) for folder in ("AFW", "AFW_Flip")
    ]
    root = write_faces(tmp_path / "300W_LP", [0.0] * len(names), names)
    module = _module(root, model_file)
    train, val = ({key.split("_")[-2] for key in part.keys} for part in (module.train_faces, module.val_faces))
    assert train
    assert val
    assert not train & val


def test_landmarks_read_off_the_map_are_those_of_the_sample(faces, model_file):
    module = _module(faces, model_file, augmentation=_only(rotation_deg=45, scale=(0.9, 1.2), shift=0.1))
    batch = module.complete(default_collate([module.train_faces[3, i] for i in range(6)]))
    read = read_texels(batch.position_map, torch.from_numpy(module.uv_layout.landmark_texels[:68]))
    assert (read - batch.landmarks_crop_px)[..., :2].norm(dim=-1).mean() < 1


def test_mirrored_face_has_opposite_yaw_and_landmarks_in_order(faces, model_file):
    module = _module(faces, model_file, augmentation=_only(mirror_probability=1), val_fraction=0)
    plain = _module(faces, model_file, augment=False, val_fraction=0)
    mirrored, straight = module.train_faces[0, 6], plain.train_faces[0, 6]
    assert mirrored.yaw_deg == -straight.yaw_deg
    assert (
        mirrored.landmarks_crop_px[0, 0] < mirrored.landmarks_crop_px[16, 0]
    )  # jaw still starts at the left of the image
    assert mirrored.landmarks_crop_px[0, 0] == pytest.approx(255 - straight.landmarks_crop_px[16, 0].item(), abs=1e-3)
    difference = mirrored.image.int() - straight.image.flip(1).int()
    assert difference.abs().float().mean() < 2
    batch = module.complete(default_collate([mirrored]))
    read = read_texels(batch.position_map, torch.from_numpy(module.uv_layout.landmark_texels[:68]))
    assert (read - batch.landmarks_crop_px)[..., :2].norm(dim=-1).mean() < 2


def test_the_image_moves_with_the_map(model_file, tmp_path):
    """Dots drawn at landmarks are found where the prepared landmarks say, after every geometric augmentation."""
    from datamodules.files.images import write_jpeg

    root = tmp_path / "dots"
    root.mkdir()
    face, _ = fake_face(10)
    rows, cols = np.mgrid[:110, :120]
    chosen = [8, 30, 36, 45, 48, 54]
    write_face_mat(root / "face.mat", face)
    for landmark in chosen:
        x, y = face.landmarks_image_px[landmark, :2]
        dot = 255 * np.exp(-((cols - x) ** 2 + (rows - y) ** 2) / 8)
        write_jpeg(root / "face.jpg", np.repeat(np.rint(dot)[..., None], 3, axis=2).astype(np.uint8))
        module = _module(
            root,
            model_file,
            image_size=256,
            val_fraction=0,
            pose_probability=0,
            augmentation=_only(rotation_deg=45, scale=(0.9, 1.2), shift=0.05, mirror_probability=0.5),
        )
        for epoch in range(4):
            sample = module.train_faces[epoch, 0]
            light = sample.image[..., 1].double()
            light[light < 20] = 0
            y, x = (
                (axis * light).sum() / light.sum() for axis in torch.meshgrid(*[torch.arange(256)] * 2, indexing="ij")
            )
            place = MIRROR_68[landmark] if sample.is_mirrored else landmark
            expected_x, expected_y, _ = sample.landmarks_crop_px[place].tolist()
            assert np.hypot(float(x) - expected_x, float(y) - expected_y) < 0.3


def test_an_augmentation_depends_on_seed_epoch_and_sample_alone(faces, model_file):
    one, other = _module(faces, model_file, seed=5), _module(faces, model_file, seed=6)
    assert torch.equal(one.train_faces[2, 3].image, _module(faces, model_file, seed=5).train_faces[2, 3].image)
    assert not torch.equal(one.train_faces[2, 3].projection, one.train_faces[3, 3].projection)
    assert not torch.equal(one.train_faces[2, 3].projection, other.train_faces[2, 3].projection)


def test_a_position_outside_the_crop_stays_as_it_is(faces, model_file):
    module = _module(faces, model_file, augmentation=_only(shift=0.5), val_fraction=0)
    batch = module.complete(default_collate([module.train_faces[0, i] for i in range(12)]))
    assert batch.position_map[:, :2].min() < 0
    assert batch.position_map[:, :2].max() > 255


def test_a_batch_is_rgb_floats_in_channels_last(faces, model_file):
    module = _module(faces, model_file)
    batch = module.complete(default_collate([module.val_faces[0, 0], module.val_faces[0, 1]]))
    assert batch.image.shape == (2, 3, 64, 64)
    assert batch.image.is_contiguous(memory_format=torch.channels_last)
    assert 0 <= batch.image.min() <= batch.image.max() <= 1
    assert isinstance(batch.key, list)


def test_ground_truth_is_the_models_where_the_data_have_none(model_file, tmp_path):
    with_truth = write_faces(tmp_path / "with", [10.0, 20])
    without = write_faces(tmp_path / "without", [10.0, 20], has_landmarks=False)
    one, other = (
        _module(root, model_file, augment=False, val_fraction=0).train_faces[0, 0] for root in (with_truth, without)
    )
    torch.testing.assert_close(one.landmarks_crop_px, other.landmarks_crop_px, atol=1e-3, rtol=0)


def test_no_validation_fraction_means_no_validation_loader(faces, model_file):
    assert _module(faces, model_file, val_fraction=0).val_dataloader() == []


def test_bad_samples_are_reported_together_and_left_out(faces, model_file, tmp_path, caplog):
    root = tmp_path / "data"
    shutil.copytree(faces, root)
    (root / "image00001.mat").write_bytes(b"x")
    (root / "image00002.jpg").unlink()
    far = read_face_mat(root / "image00003.mat")
    write_face_mat(root / "image00003.mat", far._replace(pose=far.pose + np.float32([0, 0, 0, 9000, 0, 0, 0])))
    flat = read_face_mat(root / "image00004.mat")
    write_face_mat(root / "image00004.mat", flat._replace(pose=flat.pose * np.float32([1, 1, 1, 1, 1, 1, 1e-30])))
    with caplog.at_level(logging.WARNING):
        module = _module(root, model_file, max_bad_fraction=0.5, val_fraction=0)
    (report,) = [record.message for record in caplog.records if "cannot be used" in record.message]
    for line in (
        "4 of 12",
        "image00001.mat",
        "image00002.mat: has no .jpg",
        "image00003: the face lies outside the image",
        "image00004: the face has no area",
    ):
        assert line in report
    assert len(module.train_faces) == 8


def test_test_data_are_opened_and_their_faults_reported_once(faces, model_file, tmp_path, caplog):
    root = tmp_path / "data"
    shutil.copytree(faces, root)
    (root / "image00001.mat").write_bytes(b"x")
    with caplog.at_level(logging.WARNING):
        module = _module(faces, model_file, test_root=root, max_bad_fraction=0.5)
        test_faces = module.test_faces
        module.setup("test")
    assert module.test_faces is test_faces
    assert len([record for record in caplog.records if "cannot be used" in record.message]) == 1


def test_too_many_bad_samples_stop_before_training(faces, model_file, tmp_path):
    root = tmp_path / "data"
    shutil.copytree(faces, root)
    (root / "image00001.mat").write_bytes(b"x")
    with pytest.raises(InputError, match=r"(?s)image00001\.mat.*--data\.index\.max_bad_fraction"):
        _module(root, model_file)


def test_train_and_test_that_share_faces_are_warned_of(faces, model_file, caplog):
    with caplog.at_level(logging.WARNING):
        _module(faces, model_file, test_root=faces)
    assert "are in the training set too" in caplog.text


def test_a_share_that_leaves_nothing_to_train_on_is_refused(model_file, tmp_path):
    root = write_faces(tmp_path / "one", [0.0])
    with pytest.raises(InputError, match="none is left"):
        _module(root, model_file, val_fraction=0.999999)


def test_a_share_that_validates_nothing_is_warned_of(model_file, tmp_path, caplog):
    root = write_faces(tmp_path / "one", [0.0])
    with caplog.at_level(logging.WARNING):
        _module(root, model_file, val_fraction=1e-9)
    assert "there is no validation" in caplog.text


def test_a_model_with_a_hole_is_named(faces, tmp_path):
    from dataclasses import replace

    from datamodules.files.bfm import write_morphable_model
    from tests.fakes import fake_model

    model = fake_model()
    write_morphable_model(replace(model, triangles=model.triangles[:50]), tmp_path / "BFM.mat")
    with pytest.raises(InputError, match=r"BFM\.mat: .*belong to no triangle"):
        _ = face_data(faces, tmp_path / "BFM.mat").uv_layout


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"batch_size": 0}, r"--data\.batch_size is 0: give at least 1"),
        ({"val_fraction": 1.0}, r"--data\.val_fraction is 1: give a number from 0 to below 1"),
        ({"max_bad_fraction": -1}, r"index\.max_bad_fraction is -1"),
    ],
)
def test_numbers_out_of_range_are_named(options, fault, faces, model_file):
    with pytest.raises(InputError, match=fault):
        face_data(faces, model_file, **options)


def test_a_reader_without_data_is_refused():
    with pytest.raises(InputError, match=r"--data\.reader is set, but neither --data\.root"):
        face_data(None, None, reader=StoredMapReader())


def test_loaders_before_setup_are_a_programming_error(faces, model_file):
    with pytest.raises(RuntimeError, match="setup has not run"):
        face_data(faces, model_file).train_dataloader()
