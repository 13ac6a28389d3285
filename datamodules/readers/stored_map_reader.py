"""Reads stored position maps in PRNet's layout: <stem>.npy with the crop <stem>.jpg or <stem>.png."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from datamodules.errors import InputError
from datamodules.files.face_folders import FolderLayout, photograph, recognised_layout
from datamodules.files.listed_names import NO_TEXT, check_text, is_hidden, is_text, shown
from datamodules.files.position_map_files import IMAGE_ENDINGS, MAP_ENDING, read_position_map
from datamodules.readers.sample_reader import SampleList


@dataclass(frozen=True)
class StoredMapReader:
    """Reads position maps of (256, 256, 3) float32 in crop pixels from a folder and its subfolders.

    Args:
        folder_layout: The data set whose naming scheme the files follow, which identifies the photograph of each crop;
            "auto" recognises it.
    """

    folder_layout: FolderLayout = "auto"

    def list_samples(self, root: Path) -> SampleList:
        """The maps that have a crop of the same name."""
        if not root.is_dir():
            raise InputError(f"{root}: there is no such folder. Set --data.root to a folder of position maps.")
        check_text(root)
        digest = blake2b(digest_size=8)
        endings: dict[str, set[str]] = {}
        faults: list[str] = []
        for path in _files(root):
            key = path.relative_to(root).with_name(path.stem).as_posix()
            if not is_text(str(path)):
                faults.append(f"{shown(path)}: {NO_TEXT}")
                continue
            status = path.stat()
            digest.update(f"{path.relative_to(root)}{status.st_size}{status.st_mtime_ns}".encode())
            endings.setdefault(key, set()).add(path.suffix)
        faults += [fault for key, present in sorted(endings.items()) if (fault := _fault(root / key, present))]
        keys = sorted(key for key, present in endings.items() if not _fault(root / key, present))
        if not keys:
            raise InputError(
                faults[0] if faults else f"{root}: holds no <name>{MAP_ENDING} with a <name>.jpg or .png beside it."
            )
        layout = recognised_layout(keys) if self.folder_layout == "auto" else self.folder_layout
        photographs = [photograph(key, layout) for key in keys]
        return SampleList(keys, photographs, digest.hexdigest(), faults, layout == "300w-lp")

    def image_path(self, root: Path, key: str) -> Path:
        """The crop."""
        first, second = (root / f"{key}{ending}" for ending in IMAGE_ENDINGS)
        return first if first.is_file() else second

    def read_map(self, root: Path, key: str) -> NDArray[np.float32]:
        """The position map."""
        return read_position_map(root / f"{key}{MAP_ENDING}")


def _files(root: Path) -> Iterator[Path]:
    """The maps and images below a folder, without hidden ones, folder by folder and sorted."""

    def refuse(error: OSError) -> None:
        raise InputError(f"{error.filename}: cannot be listed ({error.strerror}). Check its permissions.")

    for folder, folders, names in os.walk(root, onerror=refuse):
        folders[:] = sorted(name for name in folders if not is_hidden(name))
        paths = (Path(folder) / name for name in sorted(names) if not is_hidden(name))
        yield from (path for path in paths if path.suffix in (MAP_ENDING, *IMAGE_ENDINGS))


def _fault(stem: Path, endings: set[str]) -> str:
    images = sorted(endings - {MAP_ENDING})
    if MAP_ENDING not in endings:
        return f"{stem}{images[0]}: has no {MAP_ENDING} beside it. Copy the missing file."
    if not images:
        return f"{stem}{MAP_ENDING}: has no .jpg or .png beside it. Copy the missing file."
    return f"{stem}: has both a .jpg and a .png. Keep one of them." if len(images) > 1 else ""
