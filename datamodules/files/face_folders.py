"""The samples in a folder of 300W-3D, 300W-LP or AFLW2000-3D, and the photographs that they show.

300W-3D       AFW/ HELEN/ IBUG/ LFPW/, a .jpg and a .mat for each photograph
300W-LP       the same folders and their `_Flip` twins; <photograph>_<view>.jpg, view 0 being the photograph
AFLW2000-3D   one flat folder; where all its stems end in the numbers of views, its faces are 300W-LP's
"""

import re
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Literal

from datamodules.errors import InputError
from datamodules.files.data_set_top import FLIP, IMAGE, PARAMETERS, SUBSETS, data_set_top, subset_folders
from datamodules.files.file_content import is_folder, is_listed, list_files
from datamodules.files.listed_names import NO_TEXT, check_text, is_text, shown

FolderLayout = Literal["auto", "300w-3d", "300w-lp", "flat"]

_ENDINGS = (IMAGE, PARAMETERS)
_VIEW = re.compile(r"_(\d+)$")


@dataclass(frozen=True)
class FaceFolders:
    """A data set's samples.

    Attributes:
        root: Its folder.
        layout: Its layout, from the option or recognised.
        keys: Paths below the root without endings, sorted; each has both its files.
        faults: One line for each file that lacks its counterpart, or whose name is no UTF-8.
        fingerprint: 16 hexadecimal digits of the names, sizes and times of all the files.
    """

    root: Path
    layout: FolderLayout
    keys: list[str]
    faults: list[str]
    fingerprint: str

    @property
    def photographs(self) -> list[str]:
        """Name of the photograph that each sample shows."""
        return [photograph(key, self.layout) for key in self.keys]


def scan(root: Path, layout: FolderLayout = "auto") -> FaceFolders:
    """Lists a data set without opening any of its files. Hidden files are left out.

    Raises:
        InputError: If the folder does not exist, or holds no sample.
    """
    if not is_folder(root):
        raise InputError(
            f"{root}: there is no such folder. Set --data.root to that of 300W-3D, 300W-LP or AFLW2000-3D."
        )
    check_text(root)
    top = data_set_top(root)
    named = subset_folders(top)
    if layout == "flat" or not named:
        named = [""]
    keys: list[str] = []
    faults: list[str] = []
    digest = blake2b(digest_size=8)
    for folder in named:
        files = list_files(top / folder, _ENDINGS)
        digest.update(f"{folder}{[tuple(file) for file in files]}".encode())
        images, mats = ({name[:-4] for name, _, _ in files if name.lower().endswith(ending)} for ending in _ENDINGS)
        prefix = f"{folder}/" if folder else ""
        nameless = {stem for stem in images | mats if not is_text(stem)}
        faults += [f"{shown(top / prefix / stem)}: {NO_TEXT}" for stem in sorted(nameless)]
        images, mats = images - nameless, mats - nameless
        keys += sorted(prefix + stem for stem in images & mats)
        faults += [
            f"{top / prefix / stem}.jpg: has no .mat beside it. Copy the missing file."
            for stem in sorted(images - mats)
        ]
        faults += [
            f"{top / prefix / stem}.mat: has no .jpg beside it. Copy the missing file."
            for stem in sorted(mats - images)
        ]
    if not keys:
        raise InputError(
            faults[0]
            if faults
            else f"{root}: holds no <name>.jpg with a <name>.mat, nor does any of {', '.join(SUBSETS)} in it. Is it the data set's top folder?"
        )
    layout = recognised_layout(keys) if layout == "auto" else layout
    return FaceFolders(root, layout, keys, faults, digest.hexdigest())


def sample_file(root: Path, key: str, ending: str) -> Path:
    """A file of a sample.

    Args:
        root: The folder of the data set.
        key: The sample.
        ending: ".jpg" or ".mat", which the file may have in upper case, or with a capital.
    """
    top = data_set_top(root)
    plain, *others = (top / f"{key}{own}" for own in (ending, ending.upper(), f".{ending[1:].capitalize()}"))
    if is_listed(plain):
        return plain
    return next((path for path in others if is_listed(path)), plain)


def photograph(key: str, layout: FolderLayout) -> str:
    """Name of the photograph that a sample shows: the same for 300W-LP's views of it and their mirrored twins."""
    stem = key.rpartition("/")[2]
    return _VIEW.sub("", stem) if layout == "300w-lp" else stem


def recognised_layout(keys: list[str]) -> FolderLayout:
    """Recognises a data set by the names of its samples.

    Stems of 300W-3D end in numbers too, but only 300W-LP counts views from 0 and has mirrored twins.
    """
    folders = {key.rpartition("/")[0] for key in keys}
    has_views = any(key.endswith("_0") for key in keys)
    if folders == {""}:
        return "300w-lp" if has_views and all(_VIEW.search(key) for key in keys) else "flat"
    return "300w-lp" if has_views or any(folder.endswith(FLIP) for folder in folders) else "300w-3d"
