import struct

import numpy as np
import pytest
from PIL import Image

from datamodules.errors import InputError
from datamodules.files import images
from datamodules.files.images import read_image, read_image_size, warp_image, write_jpeg


@pytest.fixture
def path(tmp_path):
    image = np.zeros((40, 60, 3), np.uint8)
    image[:, 30:] = [250, 120, 10]
    write_jpeg(tmp_path / "photo.jpg", image)
    return tmp_path / "photo.jpg"


def test_channels_are_red_green_blue(path):
    np.testing.assert_allclose(read_image(path)[20, 50], [250, 120, 10], atol=6)


def test_size_is_width_then_height(path):
    assert read_image_size(path) == (60, 40)


def test_exif_orientation_is_ignored(path):
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn
    Image.open(path).save(path, exif=exif)
    assert read_image(path).shape == (40, 60, 3)
    assert read_image_size(path) == (60, 40)


@pytest.mark.parametrize("cut", [0.5, 0.9, 0.999])
def test_a_truncated_jpeg_is_refused(path, cut):
    data = path.read_bytes()
    path.write_bytes(data[: int(cut * len(data))])
    with pytest.raises(InputError, match=r"photo\.jpg: is a truncated JPEG"):
        read_image(path)


@pytest.mark.parametrize("data", [b"", b"no image"])
def test_what_is_no_image_is_refused(path, data):
    path.write_bytes(data)
    for read in (read_image, read_image_size):
        with pytest.raises(InputError, match=r"photo\.jpg: is no image"):
            read(path)


def test_a_missing_image_is_named(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_image(tmp_path / "nothing.jpg")


def test_an_image_beyond_what_jpeg_can_hold_is_refused(tmp_path):
    with pytest.raises(InputError, match="cannot be written as JPEG"):
        write_jpeg(tmp_path / "long.jpg", np.zeros((1, 70000, 3), np.uint8))


def test_shrinking_averages_instead_of_skipping():
    checks = (np.indices((80, 80)).sum(axis=0) % 2 * 255).astype(np.uint8)[..., None].repeat(3, axis=2)
    small = warp_image(checks, np.array([[0.125, 0, -0.4375], [0, 0.125, -0.4375]]), 10)
    assert small.min() > 100
    assert small.max() < 155


def test_shrinking_keeps_centres():
    image = np.zeros((80, 80, 3), np.uint8)
    image[36:44, 20:28] = 255
    small = warp_image(image, np.array([[0.25, 0, 0], [0, 0.25, 0]]), 20).astype(float)[..., 0]
    rows, cols = np.indices(small.shape)
    # the block's centre is (39.5, 23.5)
    assert (rows * small).sum() / small.sum() == pytest.approx(39.5 / 4, abs=0.02)
    assert (cols * small).sum() / small.sum() == pytest.approx(23.5 / 4, abs=0.02)


@pytest.mark.parametrize("name", ["a.jpg", "a.png"])
def test_a_header_that_claims_too_many_pixels_is_refused_before_they_are_allocated(name, tmp_path, monkeypatch):
    path = tmp_path / name
    Image.fromarray(np.zeros((40, 60, 3), np.uint8)).save(path)
    data = path.read_bytes()
    size = struct.pack(">II", 60, 40) if name == "a.png" else struct.pack(">HH", 40, 60)
    claimed = struct.pack(">II", 30_000, 30_000) if name == "a.png" else struct.pack(">HH", 60_000, 60_000)
    assert read_image(path).shape == (40, 60, 3)
    path.write_bytes(data.replace(size, claimed, 1))
    monkeypatch.setattr(images.cv2, "imdecode", lambda *_: pytest.fail("decoded"))
    with pytest.raises(InputError, match=rf"{name}: claims more than 179 million pixels"):
        read_image(path)


def test_a_png_whose_chunks_claim_more_than_it_holds_is_refused_before_they_are_allocated(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    Image.fromarray(np.zeros((40, 60, 3), np.uint8)).save(path)
    assert read_image(path).shape == (40, 60, 3)
    data = path.read_bytes()
    start = data.index(b"IDAT") - 4
    path.write_bytes(data[:start] + b"\xff\xff\xff\xf0" + data[start + 4 :])
    monkeypatch.setattr(images.cv2, "imdecode", lambda *_: pytest.fail("decoded"))
    with pytest.raises(InputError, match=r"a\.png: is a truncated PNG"):
        read_image(path)
