"""Images of data sets: decoding, encoding and cropping."""

import warnings
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from datamodules.errors import InputError
from datamodules.files.file_content import openable, read_content

_END_OF_IMAGE, _START_OF_SCAN = b"\xff\xd9", b"\xff\xda"
_ORIENTATION = 0x0112  # EXIF's tag
_REMEDY = "Copy it again, or remove it."
JPEG_QUALITY = 95
MOST_PIXELS = 178_956_970  # as in Pillow; a damaged header may claim more than fits into memory
_PNG = b"\x89PNG\r\n\x1a\n"
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}  # markers of JPEG that are followed by the size
_HEADER_BYTES = 1 << 20  # in which the header of an image ends, with its EXIF data
_FINE_ENOUGH = 0.75  # pixels of the crop per pixel of the image above which bilinear interpolation skips none


def read_image(path: Path) -> NDArray[np.uint8]:
    """(H, W, 3) RGB. EXIF orientation is ignored: a sample's pose refers to the pixels as they are stored.

    Raises:
        InputError: If the file is missing, truncated or no image.
    """
    return decode_image(read_content(path), path)


def decode_image(data: bytes, path: Path) -> NDArray[np.uint8]:
    """(H, W, 3) RGB of an image file's bytes.

    Raises:
        InputError: Naming the path, if they are truncated or no image.
    """
    # Decoders fill missing parts with grey and only warn. In a complete JPEG, the end follows the last scan.
    if data[:2] == b"\xff\xd8" and data.rfind(_END_OF_IMAGE) <= data.rfind(_START_OF_SCAN):
        raise InputError(f"{path}: is a truncated JPEG. {_REMEDY}")
    if data.startswith(_PNG) and not _has_all_chunks(data):
        raise InputError(f"{path}: is a truncated PNG. {_REMEDY}")
    if _claimed_pixels(data) > MOST_PIXELS:
        raise InputError(f"{path}: claims more than 179 million pixels. {_REMEDY}")
    flags = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags) if data else None
    except cv2.error:  # such as a header that claims a billion pixels
        pixels = None
    if pixels is None:
        raise InputError(f"{path}: is no image that can be decoded. {_REMEDY}")
    return np.asarray(pixels, np.uint8)


def _has_all_chunks(data: bytes) -> bool:
    """Whether the chunks of a PNG file lie within it, up to the last; OpenCV allocates whatever their lengths claim."""
    place = len(_PNG)
    while place + 12 <= len(data):
        length = int.from_bytes(data[place : place + 4])
        if data[place + 4 : place + 8] == b"IEND":
            return True
        place += 12 + length
    return False


def _claimed_pixels(data: bytes) -> int:
    """Number of pixels that the header of a PNG or JPEG file claims; 0 for other files."""
    if data.startswith(_PNG):
        return int.from_bytes(data[16:20]) * int.from_bytes(data[20:24])
    place = 2
    while data[:2] == b"\xff\xd8" and place + 9 <= len(data) and data[place] == 0xFF:
        if data[place + 1] in _FRAMES:
            return int.from_bytes(data[place + 5 : place + 7]) * int.from_bytes(data[place + 7 : place + 9])
        place += 2 + int.from_bytes(data[place + 2 : place + 4])
    return 0


def read_image_size(path: Path) -> tuple[int, int]:
    """Width and height from the header alone.

    Raises:
        InputError: If the file is missing or has no image header.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of large images and of damaged EXIF data
            with Image.open(openable(path, _HEADER_BYTES)) as image:
                return image.size
    # what Pillow raises depends on where the file is damaged
    except Exception as error:
        raise InputError(f"{path}: is no image that can be read. {_REMEDY}") from error


def stored_orientation(image: Image.Image) -> int | None:
    """EXIF orientation of an image, 1 to 8, which is 1 without EXIF data; None if these are damaged."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            orientation = image.getexif().get(_ORIENTATION, 1)
    # what Pillow raises depends on where the data are damaged
    except Exception:  # noqa: BLE001
        return None
    return int(orientation) if orientation in range(1, 9) else None


def is_upright(path: Path) -> bool:
    """Whether the pixels of a photograph are stored upright, as far as its EXIF data can be read.

    Raises:
        InputError: If the file is missing or has no image header.
    """
    read_image_size(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(path) as image:
            return stored_orientation(image) in (1, None)


def write_jpeg(path: Path, image: NDArray[np.uint8]) -> None:
    """Writes (H, W, 3) RGB."""
    path.write_bytes(encode_jpeg(image))


def write_png(path: Path, image: NDArray[np.uint8]) -> None:
    """Writes (H, W, 3) RGB."""
    _, data = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    path.write_bytes(bytes(data))


def encode_jpeg(image: NDArray[np.uint8]) -> bytes:
    """A JPEG file of (H, W, 3) RGB."""
    done, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not done:
        raise InputError(f"an image of shape {image.shape} cannot be written as JPEG.")
    return bytes(data)


def warp_image(image: NDArray[np.uint8], matrix: NDArray[np.float64], size: int) -> NDArray[np.uint8]:
    """(size, size, 3) crop in one resampling; black outside the image.

    Args:
        image: (H, W, 3).
        matrix: (2, 3) from image pixels to those of the crop.
        size: Pixels per side.
    """
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    # bilinear interpolation reads four pixels; where more fall onto one, sample more finely and average
    finer = 1 if scale >= _FINE_ENOUGH else int(np.ceil(1 / scale))
    # a crop that is far larger than its image needs no finer sampling than the image has
    finer = min(finer, 1 + 2 * max(image.shape[:2]) // size)
    if finer > 1:
        matrix = finer * matrix
        matrix[:, 2] += (finer - 1) / 2  # the centre of a pixel is the centre of its finer ones
    warped = cv2.warpAffine(image, matrix, (finer * size, finer * size), flags=cv2.INTER_LINEAR)
    resized = warped if finer == 1 else cv2.resize(warped, (size, size), interpolation=cv2.INTER_AREA)
    return np.asarray(resized, np.uint8)
