"""The interfaces of readers, which list the samples of a data set and read one of them.

`--data.reader some.module.Reader` selects any class with these methods; the arguments of its constructor are options
below `--data.reader`. The methods must be annotated as here, since the command line compares their signatures.
"""

from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from datamodules.errors import InputError, described
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


def listed(reader: SampleReader | MapReader, root: Path) -> SampleList:
    """The samples below a folder, sorted whatever order the reader lists them in.

    Raises:
        InputError: If there are none, or what the reader returns is no list of samples.
    """
    name = f"--data.reader {type(reader).__name__}"
    try:
        samples: object = reader.list_samples(root)
    except InputError:
        raise
    # what a reader raises depends on its files
    except Exception as error:
        raise InputError(f"{root}: {name} cannot list its samples ({described(error)}).") from error
    if not isinstance(samples, SampleList):
        raise InputError(f"{name}: list_samples returns {type(samples).__name__}. Return a SampleList.")
    keys, photographs = list(samples.keys), list(samples.photographs)
    if not all(isinstance(value, str) for value in (*keys, *photographs)):
        raise InputError(f"{name}: list_samples returns keys or photographs that are no text. Return str.")
    if len(photographs) != len(keys):
        raise InputError(f"{name}: lists {len(keys)} keys and {len(photographs)} photographs. Name one for each key.")
    if repeated := [key for key, count in Counter(keys).items() if count > 1]:
        raise InputError(f"{name}: lists {repeated[0]} more than once. List each sample once.")
    if not keys:
        raise InputError(f"{root}: {name} lists no samples there. Is it the right folder?")
    order = sorted(range(len(keys)), key=keys.__getitem__)
    return replace(samples, keys=[keys[i] for i in order], photographs=[photographs[i] for i in order])


def fault_of(reader: SampleReader | MapReader, root: Path, key: str, error: Exception) -> str:
    """The line that says why a reader cannot read a sample."""
    if isinstance(error, InputError):
        return str(error)
    return f"{root / key}: cannot be read by --data.reader {type(reader).__name__} ({described(error)})."
