"""A cache whose files are empty, cut, full of zeros or otherwise damaged is made anew, with the same numbers."""

import logging
import shutil

import numpy as np
import pytest

from datamodules.errors import InputError
from datamodules.face_datamodule import FaceDataModule
from datamodules.files.face_mat import read_face_mat
from datamodules.prepare import prepare
from datamodules.readers import decoded_images, row_cache
from datamodules.readers.decoded_images import open_decoded_images
from datamodules.readers.face_index import FaceIndex
from datamodules.readers.index_options import IndexOptions
from datamodules.readers.stored_map_reader import StoredMapReader
from tests.datamodules.files.test_cached_files import DAMAGE
from tests.face_data import face_data, face_index

_COLUMNS = ("identity", "expression", "poses", "image_sizes", "landmarks")
_FILES = ("index.json", "keys.npy", *(f"{name}.npy" for name in _COLUMNS))


@pytest.fixture(scope="module")
def cached(faces, tmp_path_factory):
    """A cache with an index."""
    cache = tmp_path_factory.mktemp("cached")
    face_index(faces, cache)
    return cache


def _same(one: FaceIndex, other: FaceIndex) -> bool:
    columns = ("keys", "identity", "expression", "poses", "image_sizes", "landmarks_image_px")
    return one.fingerprint == other.fingerprint and all(
        np.array_equal(getattr(one, name), getattr(other, name)) for name in columns
    )


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        *((name, damage) for name in _FILES for damage in ("empty", "cut", "zeros", "random")),
        *(
            (name, damage)
            for name in ("index.json", "poses.npy")
            for damage in ("a tail of zeros", "one other bit", "gone")
        ),
    ],
)
def test_every_file_of_an_index_may_be_damaged(name, damage, cached, faces, tmp_path, caplog):
    cache = shutil.copytree(cached, tmp_path / "cache")
    (folder,) = cache.iterdir()
    path = folder / name
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(DAMAGE[damage](path.read_bytes()))
    index = face_index(faces, cache)
    assert _same(index, face_index(faces, cached))
    assert caplog.messages == [f"{folder}: the index is damaged, or of an earlier version. It is made anew."]
    caplog.clear()
    face_index(faces, cache)
    assert not caplog.messages
    assert [place.name for place in cache.iterdir()] == [folder.name]  # nothing half written


def test_an_empty_folder_and_a_file_in_place_of_an_index_are_not_trusted(cached, faces, tmp_path):
    cache = shutil.copytree(cached, tmp_path / "cache")
    (folder,) = cache.iterdir()
    shutil.rmtree(folder)
    folder.mkdir()
    assert _same(face_index(faces, cache), face_index(faces, cached))
    shutil.rmtree(folder)
    folder.write_bytes(b"")
    with pytest.raises(InputError, match=r"cannot be written .*--data\.index\.cache_dir"):
        face_index(faces, cache)


def test_a_disk_that_gives_back_other_bytes_is_named(faces, tmp_path, monkeypatch):
    monkeypatch.setattr(row_cache, "_stored", lambda folder: None)
    with pytest.raises(InputError, match=r"cannot be read back as it was written\. .*--data\.index\.cache_dir"):
        face_index(faces, tmp_path)


@pytest.mark.parametrize("damage", ["empty", "cut", "zeros", "random"])
def test_decoded_images_that_are_damaged_are_decoded_anew(damage, faces, cached, tmp_path, caplog):
    paths, sizes = sorted(faces.glob("*.jpg")), face_index(faces, cached).image_sizes
    before = open_decoded_images(tmp_path, paths, sizes).pixels.copy()
    (tmp_path / "images.npy").write_bytes(DAMAGE[damage]((tmp_path / "images.npy").read_bytes()))
    np.testing.assert_array_equal(open_decoded_images(tmp_path, paths, sizes).pixels, before)
    assert caplog.messages == [f"{tmp_path / 'images.npy'}: is damaged, and its images are decoded anew."]


def test_decoded_images_of_fewer_faces_are_not_trusted(faces, cached, tmp_path):
    paths, sizes = sorted(faces.glob("*.jpg")), face_index(faces, cached).image_sizes
    open_decoded_images(tmp_path, paths[:3], sizes[:3])
    assert len(open_decoded_images(tmp_path, paths, sizes).pixels) == sizes.astype(int).prod(axis=1).sum()


def test_an_image_that_is_not_as_large_as_its_header_says_is_named(faces, cached, tmp_path, monkeypatch):
    sizes = face_index(faces, cached).image_sizes
    monkeypatch.setattr(decoded_images, "read_image", lambda path: np.zeros((5, 5, 3), np.uint8))
    with pytest.raises(InputError, match=r"image00000\.jpg: has other pixels than its header says"):
        open_decoded_images(tmp_path, sorted(faces.glob("*.jpg")), sizes)
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def used(faces, model_file, tmp_path_factory):
    """A cache with all files of a fit on fitted photographs, and what the first face looked like."""
    cache = tmp_path_factory.mktemp("used")
    return cache, _first_face(faces, model_file, cache)


def _first_face(faces, model_file, cache):
    data = face_data(faces, model_file, pose_probability=1.0, val_fraction=0, index=IndexOptions(cache_dir=cache))
    data.setup("fit")
    return data.train_faces[0, 0].image


@pytest.mark.parametrize("damage", ["empty", "cut", "zeros", "a tail of zeros", "random"])
def test_every_file_beside_an_index_may_be_damaged(damage, used, faces, model_file, tmp_path, caplog):
    cache, image = shutil.copytree(used[0], tmp_path / "cache"), used[1]
    others = [path for path in cache.rglob("*") if path.is_file() and path.name not in _FILES]
    assert {path.suffix for path in others} == {".npy", ".jpg"}  # crops and textures
    for path in others:
        path.write_bytes(DAMAGE[damage](path.read_bytes()))
    caplog.set_level(logging.WARNING)
    assert (_first_face(faces, model_file, cache) == image).all()
    assert [message for message in caplog.messages if "crops-" in message and "made anew" in message]


def test_an_index_of_maps_may_be_damaged_where_its_fingerprint_does_not_reach(faces, model_file, tmp_path, caplog):
    maps, cache = tmp_path / "maps", tmp_path / "cache"
    prepare(face_data(faces, model_file), maps)
    yaws = _maps(maps, cache)
    (folder,) = cache.glob("maps-*")
    path = folder / "yaws_deg.npy"
    path.write_bytes(DAMAGE["a tail of zeros"](path.read_bytes()))
    np.testing.assert_array_equal(_maps(maps, cache), yaws)
    assert [message for message in caplog.messages if "made anew" in message]


def _maps(maps, cache):
    data = face_data(maps, None, reader=StoredMapReader(), val_fraction=0, index=IndexOptions(cache_dir=cache))
    data.setup("fit")
    return np.array(data.train_faces.index.yaws_deg)


@pytest.mark.slow  # draws faces and fits them
def test_labels_that_are_damaged_are_fitted_anew(tmp_path, caplog):
    from datamodules.synthetic.default_data import SyntheticFaces

    def poses():
        few = SyntheticFaces(samples=2, test_samples=1, image_size=32, labels="fitted")
        data = FaceDataModule(synthetic=few, index=IndexOptions(cache_dir=tmp_path), val_fraction=0, num_workers=0)
        data.prepare_data()
        return data.folders.labelled_data().index.poses

    before = poses()
    (place,) = tmp_path.glob("labels-*/labels.npz")
    place.write_bytes(DAMAGE["cut"](place.read_bytes()))
    np.testing.assert_array_equal(poses(), before)
    assert f"{place}: is damaged, or of an earlier version. It is made anew." in caplog.messages


def test_a_sample_that_was_read_is_what_its_file_says(cached, faces):
    np.testing.assert_array_equal(
        face_index(faces, cached).record(3).identity, read_face_mat(faces / "image00003.mat").identity
    )
