"""Reads photographs of any orientation, colour mode and bit depth as upright RGB."""

import struct
import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from datamodules.errors import InputError

PHOTO_ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp")

_LONGEST = 32766  # pixels per side that OpenCV can warp
_DEEP = 65535  # white in 16 bits
_WHITE = (255, 255, 255, 255)  # background of transparent images


def read_photograph(path: Path) -> NDArray[np.uint8]:
    """(H, W, 3) RGB, upright: EXIF orientation is applied.

    Grey and CMYK images are converted to RGB, 16 bits per channel to 8, and transparent images are laid on white.

    Raises:
        InputError: If the file is missing, damaged or no image, or larger than 179 million pixels or 32 766 per side.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # large, but not too large
            with Image.open(path) as image:
                if max(image.size) > _LONGEST:
                    raise InputError(f"{path}: is {image.size[0]} x {image.size[1]} pixels. Save it smaller.")
                return _upright_rgb(image)
    except Image.DecompressionBombError as error:
        raise InputError(f"{path}: is larger than 179 million pixels. Save it smaller.") from error
    except UnidentifiedImageError as error:
        raise InputError(f"{path}: is no image. Leave it out.") from error
    # the exception of a decoder depends on where the file is damaged
    except (OSError, SyntaxError, ValueError, EOFError, TypeError, IndexError, struct.error, MemoryError) as error:
        message = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise InputError(
            f"{path}: cannot be read ({message}). Copy it again, or leave it out.".replace("\n", " ")
        ) from error


def _upright_rgb(image: Image.Image) -> NDArray[np.uint8]:
    upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith("I") or upright.mode == "F":
        values = np.asarray(upright, np.float32)
        most = _DEEP if values.max() > 255 else 255  # files do not state how many of their bits are used
        grey = np.clip(np.rint(values * (255 / most)), 0, 255).astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=2)
    if upright.has_transparency_data:
        clear = upright.convert("RGBA")
        upright = Image.alpha_composite(Image.new("RGBA", clear.size, _WHITE), clear)
    return np.array(upright.convert("RGB"))
