"""Photographs of every kind that people have."""

import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from datamodules.errors import InputError
from datamodules.files.images import is_upright, read_image_size
from datamodules.files.photographs import read_photograph

_ORIENTATION = 0x0112


@pytest.fixture
def picture():
    """Smooth, and different in each corner and channel."""
    y, x = np.mgrid[0:30, 0:40]
    return np.stack([6 * x, 8 * y, 120 + 0 * x], axis=-1).astype(np.uint8)


def test_a_plain_photograph_is_what_it_is(picture, tmp_path):
    Image.fromarray(picture).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_photograph(tmp_path / "a.png"), picture)


@pytest.mark.parametrize(
    ("orientation", "upright"), [(3, lambda a: a[::-1, ::-1]), (6, lambda a: np.rot90(a, -1)), (8, np.rot90)]
)
def test_a_turned_photograph_is_seen_upright(orientation, upright, picture, tmp_path):
    exif = Image.Exif()
    exif[_ORIENTATION] = orientation
    Image.fromarray(picture).save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(read_photograph(tmp_path / "a.png"), upright(picture))


def test_grey_has_three_equal_channels(picture, tmp_path):
    Image.fromarray(picture[..., 0]).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_photograph(tmp_path / "a.png"), np.repeat(picture[..., :1], 3, axis=2))


def test_sixteen_bits_become_eight(picture, tmp_path):
    Image.fromarray(picture[..., 0].astype(np.uint16) * 257).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_photograph(tmp_path / "a.png"), np.repeat(picture[..., :1], 3, axis=2))


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
@pytest.mark.parametrize("bits", [10, 12, 14, 16])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_bits_that_are_used_become_eight(channels, bits, name, picture, tmp_path):
    deep = np.round(picture[..., :channels] / 255 * (2**bits - 1)).astype(np.uint16)
    deep[0, 0] = 2**bits - 1
    cv2.imwrite(str(tmp_path / name), deep[..., ::-1])
    seen = read_photograph(tmp_path / name)
    assert (seen[0, 0] == 255).all()
    np.testing.assert_array_equal(seen[1:], np.broadcast_to(picture[1:, :, :channels], picture[1:].shape))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("white", [1.0, 255.0, 4095.0])
def test_float_images_are_as_light_as_they_were(white, channels, picture, tmp_path):
    deep = (picture[..., :channels] / np.float32(255) * np.float32(white)).astype(np.float32)
    deep[0, 0], deep[0, 1], deep[0, 2] = 3 * white, np.nan, -white  # a highlight, no number, and rounding below black
    cv2.imwrite(str(tmp_path / "a.tif"), deep[..., ::-1])
    seen = read_photograph(tmp_path / "a.tif")
    np.testing.assert_array_equal(seen[0, :3], [[255] * 3, [0] * 3, [0] * 3])
    if white == 4095:  # 12 bits, although its largest number is beyond
        picture = np.rint(picture.astype(np.float32)).astype(np.uint8)
    np.testing.assert_array_equal(seen[1:], np.broadcast_to(picture[1:, :, :channels], picture[1:].shape))


def test_a_transparent_image_of_sixteen_bits_lies_on_white(picture, tmp_path):
    opacity = np.full((30, 40, 1), 65535, np.uint16)
    opacity[:10] = 0
    cv2.imwrite(str(tmp_path / "a.png"), np.dstack([picture[..., ::-1].astype(np.uint16) * 257, opacity]))
    seen = read_photograph(tmp_path / "a.png")
    assert (seen[:10] == 255).all()
    np.testing.assert_array_equal(seen[10:], picture[10:])


def _damaged_exif():
    """EXIF data with another damage each: cut, random, no TIFF, an orientation of a wrong kind or beyond 8."""
    exif = Image.Exif()
    exif[_ORIENTATION], exif[0x010F] = 6, "maker"
    whole = exif.tobytes()
    yield from (
        b"Exif\0\0",
        whole[:10],
        whole[:20],
        whole[:-9],
        b"Exif\0\0" + bytes(30),
        b"Exif\0\0II*\0\xff\xff\xff\xff",
    )
    for kind, value in ((2, b"up"), (3, b"\0\0"), (3, b"\x63\0"), (5, b"\xff\xff\xff\xff"), (7, b"\6\0"), (99, b"\6")):
        entry = struct.pack("<HHI4s", _ORIENTATION, kind, 1, value)
        yield b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", 1) + entry + bytes(4)
    rng = np.random.default_rng(0)
    for _ in range(30):
        damaged = np.frombuffer(whole, np.uint8).copy()
        damaged[rng.integers(6, len(whole), 4)] = rng.integers(0, 256, 4)
        yield damaged.tobytes()


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp"])
def test_a_good_photograph_with_damaged_exif_data_is_read(name, picture, tmp_path):
    for exif in _damaged_exif():
        Image.fromarray(picture).save(tmp_path / name, exif=exif, **({} if name == "a.jpg" else {"lossless": True}))
        seen = read_photograph(tmp_path / name)
        assert sorted(seen.shape) == [3, 30, 40]  # damage may leave, or make, a valid orientation
        if seen.shape == picture.shape and name != "a.jpg":
            assert any(
                np.array_equal(seen, turned)
                for turned in (picture, picture[::-1], picture[:, ::-1], picture[::-1, ::-1])
            )
        assert read_image_size(tmp_path / name) == (40, 30)
        assert is_upright(tmp_path / name) in (True, False)


def test_damaged_exif_data_are_said_once(picture, tmp_path, caplog):
    Image.fromarray(picture).save(tmp_path / "a.png", exif=b"Exif\0\0no TIFF header")
    np.testing.assert_array_equal(read_photograph(tmp_path / "a.png"), picture)
    assert caplog.messages == [f"{tmp_path / 'a.png'}: its EXIF data are damaged. It is taken to be upright."]
    assert is_upright(tmp_path / "a.png")


def test_cmyk_becomes_rgb(picture, tmp_path):
    Image.fromarray(picture).convert("CMYK").save(tmp_path / "a.jpg", quality=95)
    assert np.abs(read_photograph(tmp_path / "a.jpg").astype(int) - picture).mean() < 4


def test_what_is_transparent_lies_on_white(picture, tmp_path):
    alpha = np.full(picture.shape[:2], 255, np.uint8)
    alpha[:10] = 0
    Image.fromarray(np.dstack([picture, alpha])).save(tmp_path / "a.png")
    seen = read_photograph(tmp_path / "a.png")
    assert (seen[:10] == 255).all()
    np.testing.assert_array_equal(seen[10:], picture[10:])


def test_a_palette_with_transparency_is_read(picture, tmp_path):
    Image.fromarray(picture).convert("P").save(tmp_path / "a.png", transparency=0)
    assert read_photograph(tmp_path / "a.png").shape == picture.shape


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.jpg", b"", "is no image"),
        ("text.jpg", b"this is a text", "is no image"),
        ("cut.png", b"\x89PNG\r\n\x1a\n" + bytes(40), "is no image|cannot be read"),
        ("missing.jpg", None, "cannot be read .No such file"),
    ],
)
def test_what_is_no_photograph_is_one_clear_line(name, content, said, tmp_path):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=rf"{name}: ({said})") as error:
        read_photograph(tmp_path / name)
    assert "\n" not in str(error.value)


def test_a_photograph_that_was_cut_off_is_refused(picture, tmp_path):
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (200, 200, 3), np.uint8)).save(tmp_path / "a.jpg")
    whole = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "a.jpg").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"a\.jpg: cannot be read \(.*truncated"):
        read_photograph(tmp_path / "a.jpg")


def test_nine_hundred_million_pixels_are_too_many(tmp_path):
    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    chunks = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in ((b"IHDR", header), (b"IDAT", b""))
    ]
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))
    with pytest.raises(InputError, match=r"a\.png: is larger than 179 million pixels"):
        read_photograph(tmp_path / "a.png")


def test_a_side_that_cannot_be_warped_is_said(tmp_path):
    Image.new("L", (33_000, 2)).save(tmp_path / "a.png")
    with pytest.raises(InputError, match=r"a\.png: is 33000 x 2 pixels. Save it smaller"):
        read_photograph(tmp_path / "a.png")
