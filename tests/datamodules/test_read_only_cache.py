"""A cache that is complete may be read-only, as an unprivileged user finds it; one that is not complete is one line."""

import logging
from contextlib import ExitStack

import pytest

from datamodules.errors import InputError
from datamodules.face_datamodule import FaceDataModule
from datamodules.readers.index_options import IndexOptions
from datamodules.synthetic.default_data import SyntheticFaces
from tests.face_data import face_data
from tests.unprivileged import as_nobody

FEW = SyntheticFaces(samples=6, test_samples=3, image_size=32)


def _first_images(data):
    data.check("fit")
    data.prepare_data()
    data.setup("fit")
    return [faces[0, 0].image.numpy() for faces in (data.train_faces, data.test_faces) if faces is not None]


def _synthetic(cache):
    options = {"num_workers": 0, "image_size": 32, "val_fraction": 0}
    return _first_images(FaceDataModule(synthetic=FEW, index=IndexOptions(cache_dir=cache), **options))


def _photographs(root, model_file, cache):
    options = {"pose_probability": 1.0, "val_fraction": 0, "keeps_decoded": True}
    index = IndexOptions(cache_dir=cache, keeps_decoded=options.pop("keeps_decoded"))
    return _first_images(face_data(root, model_file, index=index, **options))


@pytest.fixture
def readable(faces, model_file):
    """While this lasts, the unprivileged user can read the photographs and the face model."""
    stack = ExitStack()
    for folder in (faces, model_file.parent):
        stack.enter_context(as_nobody(folder, read_only=True))
    return stack


@pytest.mark.parametrize("is_synthetic", [True, False])
def test_a_complete_cache_is_used_and_nothing_is_written(is_synthetic, readable, faces, model_file, tmp_path, caplog):
    cache = tmp_path / "cache"
    use, arguments = (_synthetic, (cache,)) if is_synthetic else (_photographs, (faces, model_file, cache))
    before = use(*arguments)
    files = {path: path.stat().st_mtime_ns for path in cache.rglob("*")}
    caplog.set_level(logging.WARNING)
    caplog.clear()
    with as_nobody(cache, read_only=True) as run, readable:
        again = run(use, *arguments)
    assert [(one == other).all() for one, other in zip(before, again, strict=True)] == [True] * len(before)
    assert {path: path.stat().st_mtime_ns for path in cache.rglob("*")} == files
    assert not caplog.messages


def test_a_cache_that_lacks_something_and_cannot_be_written_is_one_line(readable, faces, model_file, tmp_path):
    cache = tmp_path / "cache"
    cache.mkdir()
    with as_nobody(cache, read_only=True) as run, readable:
        for use, arguments in ((_synthetic, (cache,)), (_photographs, (faces, model_file, cache))):
            with pytest.raises(
                InputError, match=r"cannot be written \(Permission denied\).*--data\.index\.cache_dir"
            ) as caught:
                run(use, *arguments)
            assert "\n" not in str(caught.value)


def test_a_cache_below_a_folder_that_cannot_be_entered_is_one_line(readable, faces, model_file, tmp_path):
    cache = tmp_path / "closed" / "cache"
    cache.mkdir(parents=True)
    with as_nobody(cache.parent, read_only=True) as run, readable:
        cache.parent.chmod(0o000)
        for use, arguments in ((_synthetic, (cache,)), (_photographs, (faces, model_file, cache))):
            with pytest.raises(InputError, match=r"cannot be written \(Permission denied\).*--data\.index\.cache_dir"):
                run(use, *arguments)
