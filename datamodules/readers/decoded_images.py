"""Decoded images of a data set in one memory-mapped file, so that training decodes no image twice.

The file takes width x height x 3 bytes for each image: 221 MB for 4500 images of 128 x 128 pixels, but 75 GB for the
122 450 images of 300W-LP. Worker processes share its pages.
"""

import logging
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkstemp

import numpy as np
from numpy.typing import NDArray

from datamodules.errors import InputError, cannot_write
from datamodules.files.atomic_files import put_in_place
from datamodules.files.images import read_image

_log = logging.getLogger(__name__)

_FILE = "images.npy"
_CHUNK = 256  # images decoded at a time


@dataclass(frozen=True, eq=False)
class DecodedImages:
    """The pixels of all images of an index.

    Attributes:
        pixels: (P, 3) RGB of all images, one after the other.
        sizes: (N, 2) width, height of the images.
        starts: (N,) place of the first pixel of each image.
    """

    pixels: NDArray[np.uint8]
    sizes: NDArray[np.int64]
    starts: NDArray[np.int64]

    def __getitem__(self, row: int) -> NDArray[np.uint8]:
        """(H, W, 3) RGB of one image, read-only."""
        width, height = self.sizes[row]
        start = self.starts[row]
        return self.pixels[start : start + width * height].reshape(height, width, 3)


def open_decoded_images(folder: Path, paths: list[Path], image_sizes: NDArray[np.integer]) -> DecodedImages:
    """The decoded images of an index, which are decoded if its folder does not hold them yet.

    Args:
        folder: Folder of the cached index, whose name changes with any of the images.
        paths: N image files.
        image_sizes: (N, 2) width, height of them.

    Raises:
        InputError: If an image cannot be decoded, or the file cannot be written.
    """
    sizes = image_sizes.astype(np.int64)
    counts = sizes.prod(axis=1)
    starts = np.concatenate([[0], counts.cumsum()[:-1]])
    place, count = folder / _FILE, int(counts.sum())
    pixels = _stored(place, count)
    if pixels is None:
        if os.path.lexists(place):
            _log.warning("%s: is damaged, and its images are decoded anew.", place)
        _write(place, paths, sizes, count)
        pixels = _stored(place, count)
    if pixels is None:
        raise InputError(
            f"{place}: cannot be read back as it was written. Check the disk, or set --data.index.cache_dir to another."
        )
    return DecodedImages(pixels, sizes, starts)


def _stored(place: Path, count: int) -> NDArray[np.uint8] | None:
    """(count, 3) pixels of a file; None if there is none, or it is cut, or has no such header."""
    try:
        # a plain array: slices of a memmap cost ten times as much
        pixels = np.asarray(np.load(place, mmap_mode="r"))
    # what is raised depends on where the file is damaged
    except Exception:  # noqa: BLE001
        return None
    return pixels if pixels.shape == (count, 3) and pixels.dtype == np.uint8 else None


def _write(place: Path, paths: list[Path], sizes: NDArray[np.int64], count: int) -> None:
    """Writes to a temporary name first: several processes may do so at once, and all write the same."""
    try:
        handle, partial = mkstemp(dir=place.parent, prefix=f".{place.name}-")
        try:
            with os.fdopen(handle, "wb") as file:
                header = {"descr": "|u1", "fortran_order": False, "shape": (count, 3)}
                np.lib.format.write_array_header_1_0(file, header)
                for path, size, image in zip(paths, sizes.tolist(), _decoded(paths), strict=True):
                    if list(image.shape[1::-1]) != size:
                        raise InputError(f"{path}: has other pixels than its header says. Copy it again, or remove it.")
                    file.write(image.data)
            put_in_place(Path(partial), place)
        finally:
            Path(partial).unlink(missing_ok=True)
    except OSError as error:
        raise cannot_write(place.parent, error, "--data.index.cache_dir") from error


def _decoded(paths: list[Path]) -> Iterable[NDArray[np.uint8]]:
    with ThreadPoolExecutor() as threads:  # OpenCV decodes outside Python's lock
        for start in range(0, len(paths), _CHUNK):
            yield from threads.map(read_image, paths[start : start + _CHUNK])
