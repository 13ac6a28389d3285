"""What the indices of both kinds of data set share: the list of readable samples, and checks of readers and images."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from datamodules.errors import InputError
from datamodules.files.images import read_image, read_image_size
from datamodules.readers.index_options import Verification
from datamodules.readers.sample_reader import SampleList

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
    """

    root: Path
    samples: SampleList
    keys: NDArray[np.bytes_]
    photographs: NDArray[np.str_]
    image_sizes: NDArray[np.uint16]
    faults: list[str]
    fingerprint: str

    def __len__(self) -> int:
        return len(self.keys)

    def key(self, row: int) -> str:
        """Path of a sample below the root, without its ending."""
        return str(self.keys[row].decode())


def reader_identity(reader: object) -> str:
    """Text that identifies a reader: its class and options."""
    return f"{type(reader).__module__}.{type(reader).__qualname__} {sorted(vars(reader).items())}"


def photographs_of(keys: NDArray[np.bytes_], samples: SampleList) -> NDArray[np.str_]:
    """(N,) photograph of each key."""
    by_key = dict(zip(samples.keys, samples.photographs, strict=True))
    return np.array([by_key[key.decode()] for key in keys])


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
