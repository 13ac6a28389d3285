import numpy as np
import pytest
import torch

from datamodules.dataset import FaceDataset
from datamodules.errors import InputError
from datamodules.face_datamodule import FaceDataModule
from datamodules.face_model import FaceModelOptions
from datamodules.readers.index_options import IndexOptions
from datamodules.synthetic.default_data import SyntheticFaces
from tests.face_data import NO_AUGMENTATION

FEW = SyntheticFaces(samples=12, test_samples=6, image_size=64, validation_samples=6)
STREAM = SyntheticFaces(samples=9, test_samples=6, image_size=64, validation_samples=6, stream=True)


def _module(faces, tmp_path, **more):
    options = {"num_workers": 0, "image_size": 32, "augmentation": NO_AUGMENTATION, "val_fraction": 0.3} | more
    data = FaceDataModule(synthetic=faces, index=IndexOptions(cache_dir=tmp_path), **options)
    data.check("fit")
    data.prepare_data()
    data.setup("fit")
    return data


def _keys(faces):
    return {faces.index.key(row) for row in faces.rows}


def test_without_data_faces_are_drawn_once_and_found_again(tmp_path):
    data = _module(FEW, tmp_path)
    assert len(data.train_faces) + len(data.val_faces) == 12
    assert len(data.test_faces) == 6
    assert _keys(data.test_faces).isdisjoint(_keys(data.train_faces) | _keys(data.val_faces))
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.jpg")}
    _module(FEW, tmp_path)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.jpg")} == before


def test_other_settings_make_other_faces(tmp_path):
    one, other = (_module(SyntheticFaces(6, 6, 64, seed), tmp_path, val_fraction=0) for seed in (0, 1))
    assert one.folders.root != other.folders.root
    assert (one.train_faces[0, 0].image != other.train_faces[0, 0].image).any()


def test_streamed_faces_never_come_twice(tmp_path):
    data = _module(STREAM, tmp_path)
    assert not isinstance(data.train_faces, FaceDataset)
    assert len(data.train_faces) == 9
    samples = [data.train_faces[epoch, position] for epoch in range(2) for position in range(9)]
    assert len({sample.key for sample in samples}) == 18
    assert len({sample.image.numpy().tobytes() for sample in samples}) == 18
    assert len(data.val_faces) == 6


def test_a_stream_can_be_repeated(tmp_path):
    one, other = (_module(STREAM, tmp_path).train_faces[3, 4] for _ in range(2))
    assert torch.equal(one.image, other.image)
    assert one.key == other.key


def test_a_streamed_face_is_the_one_that_disk_would_hold(tmp_path):
    data = _module(STREAM, tmp_path)
    sample = data.train_faces[0, 2]
    batch = data.complete(torch.utils.data.default_collate([sample]))
    texels = torch.from_numpy(data.uv_layout.landmark_texels[:68])
    read = batch.position_map[0, :, texels[:, 0], texels[:, 1]].T
    assert (read - batch.landmarks_crop_px[0])[:, :2].norm(dim=1).mean() < 0.7
    assert np.isfinite(sample.image.numpy()).all()


def test_a_model_without_data_is_refused(model_file):
    with pytest.raises(InputError, match=r"neither --data\.root nor --data\.test\.root"):
        FaceDataModule(face_model=FaceModelOptions(model_file))


def test_too_few_faces_are_refused():
    with pytest.raises(InputError, match=r"synthetic\.samples is 0"):
        SyntheticFaces(samples=0)
