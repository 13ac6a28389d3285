"""A cache of the numbers of all samples of a data set: a folder of .npy files.

The files are memory-mapped, so that worker processes share them.
"""

import json
import logging
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from datamodules.errors import InputError, cannot_write
from datamodules.files.atomic_files import flush_folder, put_in_place
from datamodules.readers.sample_reader import SampleList

_log = logging.getLogger(__name__)

Row = dict[str, NDArray[np.generic] | None]

_CHUNK = 256  # samples per task of a process
_KEYS, _ABOUT = "keys.npy", "index.json"


@dataclass(frozen=True, eq=False)
class CachedRows:
    """The rows of the readable samples.

    Attributes:
        keys: (N,) bytes, in the order of the data set.
        columns: (N, ...) memory-mapped arrays by name; NaN for samples without a value. A column without any value is
            left out.
        faults: One line for each sample left out.
        fingerprint: 16 hexadecimal digits of all the numbers; independent of the location of the data set.
        folder: The folder of the cache.
    """

    keys: NDArray[np.bytes_]
    columns: dict[str, NDArray[Any]]
    faults: list[str]
    fingerprint: str
    folder: Path


@dataclass(frozen=True)
class RowReader:
    """Reads the rows of a data set.

    Attributes:
        read: Reads the row of a sample, or returns one line that names its fault. All rows have the same names; float
            columns may be None for some samples.
        identifying: Names of the columns that the fingerprint is made of; columns of one group are concatenated.
    """

    read: Callable[[str], Row | str]
    identifying: tuple[tuple[str, ...], ...]


def cached_rows(root: Path, samples: SampleList, folder: Path, reader: RowReader, processes: int = 1) -> CachedRows:
    """The rows of a data set, which are read from its files if they are not cached.

    Args:
        root: Folder of the data set.
        samples: Its samples.
        folder: Folder of the cache; its name depends on everything that the rows depend on.
        reader: Reads the rows.
        processes: Number of processes that read files.

    Raises:
        InputError: If no sample can be read, or the cache cannot be written.
    """
    rows = _stored(folder)
    if rows is None:
        if os.path.lexists(folder):
            _log.warning("%s: the index is damaged, or of an earlier version. It is made anew.", folder)
        rows = _build(root, samples, folder, reader, processes)
    return rows


def cache_key(*parts: object) -> str:
    """16 hexadecimal digits of the parts, which are all that the rows depend on."""
    return blake2b("\0".join(str(part) for part in parts).encode(), digest_size=8).hexdigest()


def _mapped(path: Path) -> NDArray[Any]:
    """A memory-mapped array as a plain one: single rows of a memmap cost ten times as much."""
    return np.asarray(np.load(path, mmap_mode="r"))


def _stored(folder: Path) -> CachedRows | None:
    """The rows of a cache; None if there is none, or one of its files is missing or damaged."""
    try:
        about = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
        columns = {name: _mapped(folder / f"{name}.npy") for name in about["columns"]}
        keys = _mapped(folder / _KEYS)
        if about["checksum"] != _checksum(keys, columns, about["faults"], about["fingerprint"]):
            return None
    # what is raised depends on where a file is damaged
    except Exception:  # noqa: BLE001
        return None
    return CachedRows(keys, columns, about["faults"], about["fingerprint"], folder)


def _checksum(keys: NDArray[np.bytes_], columns: dict[str, NDArray[Any]], faults: list[str], fingerprint: str) -> str:
    """32 hexadecimal digits of all that is stored."""
    digest = blake2b(json.dumps([faults, fingerprint, list(columns)]).encode(), digest_size=16)
    for values in (keys, *columns.values()):
        digest.update(f"{values.dtype.str} {values.shape}".encode())
        digest.update(np.ascontiguousarray(values).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def _build(root: Path, samples: SampleList, folder: Path, reader: RowReader, processes: int) -> CachedRows:
    """Writes the cache into a temporary folder and renames it, so that an interruption leaves no incomplete cache."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        unfinished = Path(mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as error:
        raise cannot_write(folder.parent, error, "--data.index.cache_dir") from error
    try:
        _write(root, samples, unfinished, reader, processes)
        flush_folder(unfinished)
        # another process may have been faster; it has written the same
        if _stored(folder) is None:
            shutil.rmtree(folder, ignore_errors=True)
            put_in_place(unfinished, folder)
    except OSError as error:
        if _stored(folder) is None:
            raise cannot_write(folder.parent, error, "--data.index.cache_dir") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    rows = _stored(folder)
    if rows is None:
        raise InputError(
            f"{folder}: cannot be read back as it was written. Check the disk, or set --data.index.cache_dir to another."
        )
    return rows


def _write(root: Path, samples: SampleList, folder: Path, reader: RowReader, processes: int) -> None:
    columns: dict[str, NDArray[np.generic]] = {}
    keys: list[str] = []
    faults = list(samples.faults)
    for key, row in zip(samples.keys, _read_all(root, samples, reader.read, processes), strict=True):
        row = row if isinstance(row, str) else _misfit(root, key, row, columns) or row
        if isinstance(row, str):
            faults.append(row)
            continue
        for name, values in row.items():
            if values is None:
                continue
            if name not in columns:
                columns[name] = np.empty((len(samples.keys), *values.shape), values.dtype)
                if values.dtype.kind == "f":
                    columns[name][:] = np.nan
            columns[name][len(keys)] = values
        keys.append(key)
    if not keys:
        raise InputError(f"{root}: none of its {len(samples.keys)} samples can be read; the first: {faults[0]}")
    digest = blake2b("\n".join(keys).encode(), digest_size=8)
    used = {name: values[: len(keys)] for name, values in columns.items()}
    for name, values in used.items():
        np.save(folder / f"{name}.npy", values)
    for group in reader.identifying:
        if parts := [used[name] for name in group if name in used]:
            digest.update(np.ascontiguousarray(np.concatenate(parts, axis=1)).view(np.uint8).data)
    names = np.array([key.encode() for key in keys])
    np.save(folder / _KEYS, names)
    fingerprint = digest.hexdigest()
    about = {
        "root": str(root),
        "faults": faults,
        "fingerprint": fingerprint,
        "columns": list(used),
        "checksum": _checksum(names, used, faults, fingerprint),
    }
    (folder / _ABOUT).write_text(json.dumps(about, indent=1), encoding="utf-8")


def _misfit(root: Path, key: str, row: Row, columns: dict[str, NDArray[np.generic]]) -> str | None:
    for name, values in row.items():
        if values is not None and name in columns and values.shape != columns[name].shape[1:]:
            return (
                f"{root / key}: has {name} of shape {values.shape}, but samples before it of {columns[name].shape[1:]}. "
                "Give data sets of different face models separate folders."
            )
    return None


def _read_all(
    root: Path, samples: SampleList, read_row: Callable[[str], Row | str], processes: int
) -> Iterator[Row | str]:
    progress = partial(
        tqdm, total=len(samples.keys), desc=f"Indexing {root.name}", unit="face", leave=False, disable=None
    )
    if processes <= 1 or len(samples.keys) <= _CHUNK:
        yield from progress(map(read_row, samples.keys))
        return
    with ProcessPoolExecutor(processes) as pool:
        yield from progress(pool.map(read_row, samples.keys, chunksize=_CHUNK))
