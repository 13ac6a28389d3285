"""Data sets of fitted photographs among downloads, recognised by their content: in folders, and in archives."""

import posixpath
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from datamodules.errors import InputError
from datamodules.files.data_set_top import FLIP, IMAGE, PARAMETERS, SUBSETS
from datamodules.files.dataset_card import CARD
from datamodules.files.downloads import FoundFile
from datamodules.files.listed_names import is_hidden
from datamodules.files.mat import mat_arrays

SampleRole = Literal["training", "test"]

_SUBSET = re.compile(f"({'|'.join(SUBSETS)})({FLIP})?")
_OF_TEST = "pt3d_68"  # which AFLW2000-3D has, and 300W-3D and 300W-LP lack
_OF_SAMPLES = ("Shape_Para", "Exp_Para", "Pose_Para")
_MOST_BYTES = 1 << 24  # of a file of a sample; those of 300W-LP and AFLW2000-3D have up to 0.2 MB


class SampleFiles(NamedTuple):
    """The two files of a sample.

    Attributes:
        key: Path below the data set's top folder, without its ending.
        image: The photograph.
        parameters: The .mat file.
    """

    key: str
    image: FoundFile
    parameters: FoundFile

    @property
    def size(self) -> int:
        """Bytes of both."""
        return self.image.size + self.parameters.size


@dataclass(frozen=True, eq=False)
class SampleSet:
    """A data set among the downloads.

    Attributes:
        container: The archive that holds it; for a folder, the folder itself.
        top: Path of its top folder in the archive; "" for a folder.
        role: "test" for a flat folder whose samples have `pt3d_68`, as AFLW2000-3D; else "training".
        samples: Its samples, in the archive's order.
        card: Its dataset.yaml, where it has one.
    """

    container: Path
    top: str
    role: SampleRole
    samples: Sequence[SampleFiles]
    card: FoundFile | None

    @property
    def is_packed(self) -> bool:
        """Whether it lies in an archive."""
        return self.container.is_file()

    @property
    def place(self) -> Path:
        """Its folder as messages name it."""
        return self.container / self.top

    @property
    def name(self) -> str:
        """Its name, where no card says it: that of the archive or the folder."""
        return self.container.stem.removesuffix(".tar") if self.is_packed else self.container.resolve().name

    def spread(self, most: int | None) -> list[SampleFiles]:
        """At most so many samples, evenly spread over their sorted keys; all of them for None. In the archive's order."""
        if most is None or len(self.samples) <= most:
            return list(self.samples)
        ordered = sorted(sample.key for sample in self.samples)
        chosen = {ordered[place * len(ordered) // most] for place in range(most)}
        return [sample for sample in self.samples if sample.key in chosen]


def sample_sets(files: Sequence[FoundFile]) -> list[SampleSet]:
    """The data sets among files, the largest first; folders before archives of equally many samples.

    A data set is a folder with pairs of .jpg and .mat files, whatever the case of the endings, or one whose folders AFW,
    HELEN, IBUG and LFPW and their twins hold such pairs. The first .mat file must be that of a sample.

    Raises:
        InputError: If a file of a sample is far larger than it can be.
    """
    pairs: dict[tuple[Path | None, str], dict[str, dict[str, FoundFile]]] = defaultdict(lambda: defaultdict(dict))
    cards: dict[tuple[Path | None, str], FoundFile] = {}
    for file in files:
        archive, folder, name = _location(file)
        if any(is_hidden(part) for part in (*folder.split("/")[1:], name)):
            continue
        stem, ending = posixpath.splitext(name)
        if name == CARD:
            cards[archive, folder] = file
        if ending.lower() not in (IMAGE, PARAMETERS):
            continue
        top, subset = posixpath.split(folder)
        is_subset = _SUBSET.fullmatch(subset) is not None
        key = f"{subset}/{stem}" if is_subset else stem
        pairs[archive, top if is_subset else folder][key][ending.lower()] = file
    found = []
    for (archive, top), by_key in pairs.items():
        samples = [SampleFiles(key, own[IMAGE], own[PARAMETERS]) for key, own in by_key.items() if len(own) == 2]
        if samples and (role := _role(samples)) is not None:
            container, inside = (Path(top), "") if archive is None else (archive, top)
            found.append(SampleSet(container, inside, role, samples, cards.get((archive, top))))
    return sorted(found, key=lambda own: (-len(own.samples), own.is_packed, own.place))


def _location(file: FoundFile) -> tuple[Path | None, str, str]:
    """The archive of a file, or None; its folder; and its name."""
    if file.member is None:
        return None, file.path.parent.as_posix(), file.path.name
    return file.path, *posixpath.split(file.member.name)


def _role(samples: Sequence[SampleFiles]) -> SampleRole | None:
    """What a data set is for; None if the first file of its samples is of another kind."""
    first = samples[0].parameters
    if first.size > _MOST_BYTES:
        return None
    try:
        arrays = mat_arrays(first.read(), first.place, [*_OF_SAMPLES, _OF_TEST])
    except InputError:
        return None
    if not all(name in arrays for name in _OF_SAMPLES):
        return None
    for sample in samples:
        for file in (sample.image, sample.parameters):
            if file.size > _MOST_BYTES:
                raise InputError(
                    f"{file.place}: has {file.size / 2**20:.0f} MB, far more than a file of a sample. Download it again from "
                    "its authors."
                )
    is_flat = not any("/" in sample.key for sample in samples)
    return "test" if is_flat and _OF_TEST in arrays else "training"
