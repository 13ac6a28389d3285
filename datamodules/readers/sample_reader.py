"""What a data set needs in order to be trained on: a reader that lists its samples and reads one of them.

A class of one's own with these methods is given by `--data.reader some.module.Reader`; its constructor's arguments are
options below `--data.reader`. The methods must be annotated as here: the command line compares signatures.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from datamodules.types import FaceParameters


@dataclass(frozen=True)
class SampleList:
    """The samples of a data set's folder, from a look at the names of its files.

    Attributes:
        keys: What identifies each sample: its path below the root without ending, sorted.
        photographs: For each key, the name of the photograph that it shows; samples of one photograph train together
            or validate together, whatever else is added.
        fingerprint: Text that changes with any of the files, such as a digest of their names, sizes and times.
        faults: One line for each file that belongs to no sample.
        has_rendered_views: Whether photographs come rendered at several poses, as in 300W-LP.
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
        """(256, 256, 3) x, y, z in crop pixels, 0 to 255 whatever the resolution of the crop's image.

        Raises:
            InputError: Naming the file that cannot be used.
        """
        ...
