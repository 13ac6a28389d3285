"""Decoded images in the cache: the same pixels, decoded once, in no file of an interrupted command."""

import numpy as np
import pytest

from datamodules.errors import InputError
from datamodules.face_datamodule import FaceDataModule
from datamodules.files.images import read_image, write_jpeg
from datamodules.readers import decoded_images
from datamodules.readers.decoded_images import open_decoded_images
from datamodules.readers.index_options import IndexOptions
from datamodules.synthetic.default_data import SyntheticFaces
from tests.face_data import face_index
from tests.fakes import write_faces


@pytest.fixture
def root(tmp_path):
    return write_faces(tmp_path / "data", [0.0, 20, -40])


def test_the_pixels_are_those_of_the_files_and_are_decoded_once(root, tmp_path, monkeypatch):
    paths = sorted(root.glob("*.jpg"))
    plain = face_index(root, tmp_path)
    opened = open_decoded_images(tmp_path, paths, plain.image_sizes)
    monkeypatch.setattr(decoded_images, "read_image", lambda path: pytest.fail("decoded again"))
    again = open_decoded_images(tmp_path, paths, plain.image_sizes)
    for row, path in enumerate(paths):
        np.testing.assert_array_equal(opened[row], read_image(path))
        np.testing.assert_array_equal(again[row], read_image(path))


def test_images_may_have_several_sizes(root, tmp_path):
    write_jpeg(tmp_path / "small.jpg", np.full((40, 48, 3), 99, np.uint8))
    paths = [tmp_path / "small.jpg", *sorted(root.glob("*.jpg"))]
    sizes = np.array([read_image(path).shape[1::-1] for path in paths])
    images = open_decoded_images(tmp_path, paths, sizes)
    assert [images[row].shape for row in range(4)] == [read_image(path).shape for path in paths]
    np.testing.assert_array_equal(images[3], read_image(paths[3]))


def test_a_truncated_image_is_named_and_leaves_no_file(root, tmp_path):
    path = root / "image00001.jpg"
    path.write_bytes(path.read_bytes()[:-200])
    index = face_index(root, tmp_path)
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(InputError, match=r"image00001\.jpg: is a truncated JPEG"):
        open_decoded_images(folder, sorted(root.glob("*.jpg")), index.image_sizes)
    assert not list(folder.iterdir())


def test_samples_are_the_same_and_only_small_synthetic_data_keep_images_by_default(tmp_path):
    def faces(**options):
        few = SyntheticFaces(samples=6, test_samples=3, image_size=64)
        module = FaceDataModule(
            synthetic=few, index=IndexOptions(cache_dir=tmp_path, **options), image_size=32, val_fraction=0
        )
        module.prepare_data()
        module.setup("fit")
        return module.num_workers, module.train_faces

    (workers, kept), (others, read) = faces(), faces(keeps_decoded=False)
    assert (workers, others) == (0, 2)
    assert kept.index.decoded is not None
    assert read.index.decoded is None
    for one, other in zip(kept[1, 4], read[1, 4], strict=True):
        assert one == other if isinstance(one, str) else (one == other).all()
    module = FaceDataModule(root=tmp_path)
    assert (module.num_workers, module.folders.options.keeps_decoded) == (2, None)
