"""The interfaces of readers, which list the samples of a data set and read one of them.

`--data.reader some.module.Reader` selects any class with these methods; the arguments of its constructor are options
below `--data.reader`. The methods must be annotated as here, since the command line compares their signatures.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from datamodules.types import FaceParameters


@dataclass(frozen=True)
class SampleList:
    """The samples of a folder, listed without reading them.

    Attributes:
        keys: Key of each sample: its path below the root without its ending. Sorted.
        photographs: For each key, the name of the photograph that it shows; samples of one photograph are all used
            either for training or for validation.
        fingerprint: Text that changes with any of the files, such as a digest of their names, sizes and times.
        faults: One line for each file that belongs to no sample.
        has_rendered_views: Whether the samples are photographs rendered at several poses, as in 300W-LP.
    """

    keys: list[str]
    photographs: list[str]
    fingerprint: str
    faults: list[str] = field(default_factory=list)
    has_rendered_views: bool = False


@runtime_checkable
class SampleReader(Protocol):
    """Reads photographs to which a face model has been fitted."""

    def list_samples(self, root: Path) -> SampleList:
        """The samples below a folder.

        Raises:
            InputError: If there are none.
        """
        ...

    def image_path(self, root: Path, key: str) -> Path:
        """The photograph of a sample."""
        ...

    def read(self, root: Path, key: str) -> FaceParameters:
        """Coefficients, pose and landmarks of a sample.

        Raises:
            InputError: Naming the file that cannot be used.
        """
        ...


@runtime_checkable
class MapReader(Protocol):
    """Reads face crops with stored position maps."""

    def list_samples(self, root: Path) -> SampleList:
        """The samples below a folder.

        Raises:
            InputError: If there are none.
        """
        ...

    def image_path(self, root: Path, key: str) -> Path:
        """The crop of a sample."""
        ...

    def read_map(self, root: Path, key: str) -> NDArray[np.float32]:
        """(256, 256, 3) x, y, z in crop pixels, 0 to 255 at any resolution of the crop image.

        Raises:
            InputError: Naming the file that cannot be used.
        """
        ...
