"""Decoded images of a data set in one memory-mapped file, so that training decodes no image twice.

The file takes width x height x 3 bytes for each image: 221 MB for 4500 images of 128 x 128 pixels, but 75 GB for the
122 450 images of 300W-LP. Worker processes share its pages.
"""

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkstemp

import numpy as np
from numpy.typing import NDArray

from datamodules.errors import cannot_write
from datamodules.files.images import read_image

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
    place = folder / _FILE
    if not place.is_file():
        _write(place, paths, int(counts.sum()))
    # a plain array: slices of a memmap cost ten times as much
    return DecodedImages(np.asarray(np.load(place, mmap_mode="r")), sizes, starts)


def _write(place: Path, paths: list[Path], count: int) -> None:
    """Writes to a temporary name first: several processes may do so at once, and all write the same."""
    try:
        handle, partial = mkstemp(dir=place.parent, prefix=f".{place.name}-")
        try:
            with os.fdopen(handle, "wb") as file:
                header = {"descr": "|u1", "fortran_order": False, "shape": (count, 3)}
                np.lib.format.write_array_header_1_0(file, header)
                for image in _decoded(paths):
                    file.write(image.data)
            os.replace(partial, place)
        finally:
            Path(partial).unlink(missing_ok=True)
    except OSError as error:
        raise cannot_write(place.parent, error, "--data.index.cache_dir") from error


def _decoded(paths: list[Path]) -> Iterable[NDArray[np.uint8]]:
    with ThreadPoolExecutor() as threads:  # OpenCV decodes outside Python's lock
        for start in range(0, len(paths), _CHUNK):
            yield from threads.map(read_image, paths[start : start + _CHUNK])
