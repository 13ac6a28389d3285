"""Reads photographs of any orientation, colour mode and bit depth as upright RGB."""

import logging
import warnings
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin, UnidentifiedImageError

from datamodules.errors import InputError
from datamodules.files.images import MOST_PIXELS, stored_orientation

_log = logging.getLogger(__name__)

PHOTO_ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp")

_LONGEST = 32766  # pixels per side that OpenCV can warp
_BITS = (8, 10, 12, 14, 16, 24, 32)  # that cameras and scanners use of a number; files do not state how many
_MOST_WHITE = 99.0  # percentile of a float image that is white at most; a few highlights are brighter
_PAPER = 255  # background of transparent images
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def read_photograph(path: Path, most_pixels: int = MOST_PIXELS) -> NDArray[np.uint8]:
    """(H, W, 3) RGB, upright: EXIF orientation is applied, and damaged EXIF data are ignored after a warning.

    Grey and CMYK images are converted to RGB, and transparent images are laid on white. Deeper numbers become 8 bits:
    white is the largest number of 8, 10, 12, 14 or 16 bits that holds the image, and 1 in float images up to 1.

    Args:
        path: The file.
        most_pixels: Number of pixels above which it is refused before it is decoded; at most 179 million.

    Raises:
        InputError: If the file is missing, damaged or no image, or larger than `most_pixels` or 32 766 pixels per side.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of large images and of damaged EXIF data
            with Image.open(path) as image:
                if max(image.size) > _LONGEST or image.width * image.height > most_pixels:
                    raise InputError(f"{path}: is {image.size[0]} x {image.size[1]} pixels. Save it smaller.")
                return _upright_rgb(image, path)
    except InputError:
        raise
    except Image.DecompressionBombError as error:
        raise InputError(f"{path}: is larger than 179 million pixels. Save it smaller.") from error
    except UnidentifiedImageError as error:
        # Pillow knows no float images in colour
        deep = _decoded(path) if 0 < _tiff_pixels(path) <= most_pixels else None
        if deep is None or deep.dtype == np.uint8 or max(deep.shape) > _LONGEST:
            raise InputError(f"{path}: is no image. Leave it out.") from error
        return _eight_bits(deep)
    # the exception of a decoder depends on where the file is damaged
    except Exception as error:
        message = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise InputError(
            f"{path}: cannot be read ({message}). Copy it again, or leave it out.".replace("\n", " ")
        ) from error


def _upright_rgb(image: Image.Image, path: Path) -> NDArray[np.uint8]:
    # Pillow has no colours of 16 bits: it keeps the upper 8
    is_cut = any(";16" in str(tile) for tile in getattr(image, "tile", ()))
    image.load()
    orientation = stored_orientation(image)
    if orientation is None:
        _log.warning("%s: its EXIF data are damaged. It is taken to be upright.", path)
    deep = _decoded(path) if is_cut else None
    if image.mode.startswith("I") or image.mode == "F":
        rgb = _eight_bits(np.asarray(image))
    elif deep is not None and deep.dtype != np.uint8:
        rgb = _eight_bits(deep)
    else:
        rgb = _rgb(image)
    if orientation in _UPRIGHT:
        rgb = np.array(Image.fromarray(rgb).transpose(_UPRIGHT[orientation]))
    return rgb


def _rgb(image: Image.Image) -> NDArray[np.uint8]:
    """(H, W, 3) of an image with 8 bits per channel, as it is stored."""
    if image.has_transparency_data:
        clear = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", clear.size, (_PAPER,) * 4), clear)
    return np.array(image.convert("RGB"))


def _tiff_pixels(path: Path) -> int:
    """Number of pixels that a TIFF file claims; 0 if it is none."""
    try:
        with path.open("rb") as file:
            directory = TiffImagePlugin.ImageFileDirectory_v2(file.read(8))
            file.seek(directory.next)
            directory.load(file)
            width, height = directory[TiffImagePlugin.IMAGEWIDTH], directory[TiffImagePlugin.IMAGELENGTH]
        return int(width) * int(height)
    # what Pillow raises depends on where the file is damaged
    except Exception:  # noqa: BLE001
        return 0


def _decoded(path: Path) -> NDArray[np.generic] | None:
    """(H, W) or (H, W, C) numbers of any depth, in OpenCV's order of channels; None if OpenCV cannot read them."""
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(
        cv2.utils.logging.LOG_LEVEL_SILENT
    )  # else each damaged file is a page of the terminal
    try:
        deep: NDArray[np.generic] | None = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return None
    finally:
        cv2.utils.logging.setLogLevel(level)
    return deep


def _eight_bits(deep: NDArray[np.generic]) -> NDArray[np.uint8]:
    """(H, W, 3) RGB of (H, W) grey, or (H, W, 3 or 4) blue, green, red and opacity, of any depth."""
    if deep.ndim == 2:
        return np.repeat(_levels(deep)[..., None], 3, axis=2)
    rgb = _levels(deep[..., 2::-1])
    if deep.shape[2] == 4:
        opacity = _levels(deep[..., 3:]) / np.float32(255)
        rgb = np.rint(_PAPER + (rgb - np.float32(_PAPER)) * opacity).astype(np.uint8)
    return np.ascontiguousarray(rgb)


def _levels(values: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Numbers of any kind in steps of 8 bits."""
    if values.dtype == np.uint16:  # a table takes an eighth of the memory of floats
        steps: NDArray[np.uint8] = _scaled(np.arange(2**16, dtype=np.float32), float(values.max(initial=0)))[values]
        return steps
    floats = np.nan_to_num(values.astype(np.float32))
    if values.dtype.kind == "f":
        most = float(np.percentile(floats, _MOST_WHITE))
        return _scaled(floats, most, is_unit=most <= 1)
    return _scaled(floats, float(floats.max(initial=0)))


def _scaled(values: NDArray[np.float32], most: float, is_unit: bool = False) -> NDArray[np.uint8]:
    white = 1.0 if is_unit else next((2.0**bits - 1 for bits in _BITS if most < 2.0**bits), most)
    levels: NDArray[np.uint8] = np.rint(np.clip(values, 0, white) * (255 / white)).astype(np.uint8)
    return levels
