"""Finds the folder that holds a data set, below the folder or in the zip file that a user names.

Archives and their copies on other sites have one or two folders around the data set: `300W_LP/AFW/...` in 300W-LP.zip,
`AFLW2000/image00002.jpg` beside a folder of code.
"""

from functools import lru_cache
from pathlib import Path

from datamodules.errors import InputError
from datamodules.files.file_content import list_files, list_folders

SUBSETS = ("AFW", "HELEN", "IBUG", "LFPW")
FLIP = "_Flip"
IMAGE, PARAMETERS = ".jpg", ".mat"

_DEEPEST = 3  # folders below the one that is named
TFDS = ".tfrecord"  # in the names of files of TensorFlow Datasets
TFDS_FAULT = (
    "is a copy in the format of TensorFlow Datasets, whose AFLW2000-3D lacks the poses. Get 300W-LP.zip or "
    "AFLW2000-3D.zip from the project page of 3DDFA."
)


def subset_folders(folder: Path) -> list[str]:
    """The folders of 300W-3D's and 300W-LP's subsets, and of their mirrored twins, in a folder; sorted."""
    names = {*SUBSETS, *(name + FLIP for name in SUBSETS)}
    return [name for name in list_folders(folder) if name in names]


@lru_cache
def data_set_top(root: Path) -> Path:
    """The folder with the subsets, or with the samples, of a data set.

    Args:
        root: The folder that the user names, or one around it.

    Returns:
        The root where it holds samples, or where nothing below it does.

    Raises:
        InputError: If several folders below the root could be meant.
    """
    level, is_tfds = [root], False
    for _ in range(_DEEPEST + 1):
        if tops := [folder for folder in level if _holds_samples(folder)]:
            if len(tops) > 1:
                names = ", ".join(str(top) for top in tops)
                raise InputError(f"{root}: holds several data sets: {names}. Give one of them.")
            return tops[0]
        is_tfds |= any(TFDS in file.name for folder in level for file in list_files(folder))
        level = [folder / name for folder in level for name in list_folders(folder)]
    if is_tfds:
        raise InputError(f"{root}: {TFDS_FAULT}")
    return root


def _holds_samples(folder: Path) -> bool:
    return any(list_files(place, (IMAGE,)) for place in (folder, *(folder / name for name in subset_folders(folder))))
