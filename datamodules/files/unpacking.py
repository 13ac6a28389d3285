"""Unpacks downloads into folders that get their names when they are whole, and never takes more room than was announced."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import IO

from tqdm import tqdm

from datamodules.errors import InputError, cannot_write
from datamodules.files.archives import Archive, opened_archive
from datamodules.files.atomic_files import flush_folder, put_in_place
from datamodules.files.data_set_top import IMAGE, PARAMETERS
from datamodules.files.dataset_card import CARD, DatasetCard, read_card, write_card
from datamodules.files.downloaded_samples import SampleFiles, SampleSet
from datamodules.files.downloads import FoundFile

_CHUNK = 1 << 20
_BLOCK = 4096  # bytes that file systems hand out at once
_SPARE = 64 << 20  # bytes of a disk that are left free


def room_of(sizes: Sequence[int]) -> int:
    """Bytes that files of these sizes take on a disk."""
    return sum(-(-size // _BLOCK) * _BLOCK for size in sizes)


def require_room(folder: Path, needed: int) -> None:
    """Checks that a disk has room.

    Args:
        folder: A folder on it, which need not exist yet.
        needed: Bytes.

    Raises:
        InputError: If it has not.
    """
    there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    free = shutil.disk_usage(there).free - _SPARE
    if needed > free:
        raise InputError(
            f"{folder}: needs {needed / 1e9:.2f} GB, and its disk has {max(free, 0) / 1e9:.2f} GB free. Make room, or set "
            "--out to another disk."
        )


def unpack_files(files: Mapping[str, FoundFile], folder: Path, finish: Callable[[Path], None] | None = None) -> int:
    """Copies files out of archives and folders into a new folder, which has its name only when it is whole.

    Args:
        files: The files by their paths in the new folder.
        folder: The folder; what an earlier call has left of it is made anew.
        finish: Called with the folder, under its temporary name, when it holds all files.

    Returns:
        Bytes that were written.

    Raises:
        InputError: If an archive is damaged, holds other bytes than it says, or the folder cannot be written.
    """
    require_room(folder, room_of([file.size for file in files.values()]))
    partial = folder.with_name(f".{folder.name}.partial")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        with ExitStack() as stack:
            archives: dict[Path, Archive] = {}
            for name, file in tqdm(files.items(), f"Unpacking {folder.name}", unit="file", disable=None):
                if file.member is not None and file.path not in archives:
                    archives[file.path] = stack.enter_context(opened_archive(file.path))
                target = partial / name
                target.parent.mkdir(parents=True, exist_ok=True)
                _copy(file, archives.get(file.path), target)
        if finish is not None:
            finish(partial)
        flush_folder(partial)
        shutil.rmtree(folder, ignore_errors=True)  # of a command that was killed before it could note that it was whole
        put_in_place(partial, folder)
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)  # a full disk needs its room
        raise cannot_write(folder, error, "--out") from error
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return sum(file.size for file in files.values())


def unpack_samples(samples: SampleSet, chosen: Sequence[SampleFiles], folder: Path) -> int:
    """Unpacks samples of a data set as `unpack_files` does, with lower-case endings and a card.

    Args:
        samples: The data set.
        chosen: Those of its samples to unpack.
        folder: The new folder.

    Returns:
        Bytes that were written.
    """
    files = {} if samples.card is None else {CARD: samples.card}
    for sample in chosen:
        files[f"{sample.key}{IMAGE}"] = sample.image
        files[f"{sample.key}{PARAMETERS}"] = sample.parameters

    def write_own_card(partial: Path) -> None:
        card = DatasetCard(samples.name) if samples.card is None else read_card(partial)
        part = f", {len(chosen)} of {len(samples.samples)} faces" if len(chosen) < len(samples.samples) else ""
        # the face model that a card names lies beside the downloads
        write_card(partial, replace(card, name=card.name + part, morphable_model=""))

    return unpack_files(files, folder, write_own_card)


def _copy(file: FoundFile, archive: Archive | None, target: Path) -> None:
    """Copies one file, and refuses to write more bytes than it is said to have."""
    with ExitStack() as stack:
        if file.member is None:
            content: IO[bytes] = stack.enter_context(file.path.open("rb"))
        else:
            assert archive is not None  # opened for it
            content = stack.enter_context(archive.opened(file.member))
        size = file.size
        written = 0
        with target.open("wb") as out:
            while chunk := content.read(_CHUNK):
                written += len(chunk)
                if written > size:
                    break
                out.write(chunk)
    if written != size:
        more = "more" if written > size else "fewer"
        raise InputError(f"{file.place}: has {more} than the {size} bytes that are announced. Download it again.")
