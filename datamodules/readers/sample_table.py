"""What the indices of both kinds of data set share: the list of readable samples, and checks of readers and images."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from datamodules.errors import InputError
from datamodules.files.images import read_image, read_image_size
from datamodules.readers.decoded_images import DecodedImages, open_decoded_images
from datamodules.readers.index_options import IndexOptions, Verification
from datamodules.readers.row_cache import CachedRows
from datamodules.readers.sample_reader import MapReader, SampleList, SampleReader

_LARGEST_PX = np.iinfo(np.uint16).max


@dataclass(frozen=True, eq=False)
class SampleTable:
    """The readable samples of a data set.

    Attributes:
        root: Its folder.
        samples: All its samples, readable or not.
        keys: (N,) bytes, in the order of `samples`.
        photographs: (N,) name of the photograph of each sample.
        image_sizes: (N, 2) width, height of the images.
        faults: One line for each sample left out.
        fingerprint: 16 hexadecimal digits of the numbers of all samples; independent of the location of the data set.
        reader: Reader of the data set.
        decoded: The decoded images, if they are kept.
    """

    root: Path
    samples: SampleList
    keys: NDArray[np.bytes_]
    photographs: NDArray[np.str_]
    image_sizes: NDArray[np.uint16]
    faults: list[str]
    fingerprint: str
    reader: SampleReader | MapReader
    decoded: DecodedImages | None

    def __len__(self) -> int:
        return len(self.keys)

    def key(self, row: int) -> str:
        """Path of a sample below the root, without its ending."""
        return str(self.keys[row].decode())

    def image_path(self, row: int) -> Path:
        """The image file of a sample."""
        return self.reader.image_path(self.root, self.key(row))

    def image(self, row: int) -> NDArray[np.uint8]:
        """(H, W, 3) RGB image of a sample."""
        return read_image(self.image_path(row)) if self.decoded is None else self.decoded[row]


def reader_identity(reader: object) -> str:
    """Text that identifies a reader: its class and options."""
    return f"{type(reader).__module__}.{type(reader).__qualname__} {sorted(vars(reader).items())}"


def photographs_of(keys: NDArray[np.bytes_], samples: SampleList) -> NDArray[np.str_]:
    """(N,) photograph of each key."""
    by_key = dict(zip(samples.keys, samples.photographs, strict=True))
    return np.array([by_key[key.decode()] for key in keys])


def decoded_images(
    root: Path, reader: SampleReader | MapReader, rows: CachedRows, options: IndexOptions
) -> DecodedImages | None:
    """The decoded images of all rows, if the options keep them."""
    if not options.keeps_decoded:
        return None
    paths = [reader.image_path(root, key.decode()) for key in rows.keys]
    return open_decoded_images(rows.folder, paths, rows.columns["image_sizes"])


def checked_image_size(image_path: Path, verify: Verification) -> tuple[int, int]:
    """Width and height of an image file, which is checked.

    Raises:
        InputError: If its header cannot be read or, with "full" verification, its pixels cannot be decoded.
    """
    width, height = read_image_size(image_path)
    if max(width, height) > _LARGEST_PX:
        raise InputError(
            f"{image_path}: is {width} x {height} pixels, which is too large. Scale it down together with its parameters."
        )
    if verify == "full":
        read_image(image_path)
    return width, height
