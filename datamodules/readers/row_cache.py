"""The numbers of all samples of a data set in a few arrays: built once, read back at once.

A cache is a folder of .npy files, memory-mapped, so that workers share it.
"""

import json
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
from datamodules.readers.sample_reader import SampleList

Row = dict[str, NDArray[np.generic] | None]

_CHUNK = 256  # samples of one task of a process
_KEYS, _ABOUT = "keys.npy", "index.json"


@dataclass(frozen=True, eq=False)
class CachedRows:
    """The rows of the readable samples.

    Attributes:
        keys: (N,) bytes, in the order of the data set.
        columns: (N, ...) arrays by name, memory-mapped; NaN in the rows of samples that lack a number. A column that no
            sample has is missing.
        faults: One line for each sample left out.
        fingerprint: 16 hexadecimal digits of all the numbers, the same wherever the data set lies.
        folder: The folder of the cache.
    """

    keys: NDArray[np.bytes_]
    columns: dict[str, NDArray[Any]]
    faults: list[str]
    fingerprint: str
    folder: Path


@dataclass(frozen=True)
class RowReader:
    """How rows come about.

    Attributes:
        read: Reads the row of a sample; all rows have the same names. Float columns may be None for some samples.
        identifying: The names whose numbers the fingerprint is made of; columns of one group are taken side by side.
    """

    read: Callable[[str], Row | str]
    identifying: tuple[tuple[str, ...], ...]


def cached_rows(root: Path, samples: SampleList, folder: Path, reader: RowReader, processes: int = 1) -> CachedRows:
    """The rows of a data set, read from its files if the cache does not hold them.

    Args:
        root: Folder of the data set.
        samples: Its samples.
        folder: Folder of the cache; its name tells everything that the rows depend on.
        reader: Reads a row, or gives the line that says why the sample cannot be used.
        processes: How many read at a time.

    Raises:
        InputError: If no sample can be read, or the cache cannot be written.
    """
    if not (folder / _ABOUT).is_file():
        _build(root, samples, folder, reader, processes)
    about = json.loads((folder / _ABOUT).read_text())
    columns = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in about["columns"]}
    keys = np.load(folder / _KEYS, mmap_mode="r")
    return CachedRows(keys, columns, about["faults"], about["fingerprint"], folder)


def cache_key(*parts: object) -> str:
    """16 hexadecimal digits of all that rows depend on."""
    return blake2b("\0".join(str(part) for part in parts).encode(), digest_size=8).hexdigest()


def _build(root: Path, samples: SampleList, folder: Path, reader: RowReader, processes: int) -> None:
    """Writes the cache beside its place and then renames it: what is interrupted leaves no half cache."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        unfinished = Path(mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as error:
        raise cannot_write(folder.parent, error, "--data.index.cache_dir") from error
    try:
        _write(root, samples, unfinished, reader, processes)
        # another process may have been quicker; what it wrote is the same
        if not (folder / _ABOUT).is_file():
            shutil.rmtree(folder, ignore_errors=True)
            os.replace(unfinished, folder)
    except OSError as error:
        if not (folder / _ABOUT).is_file():
            raise cannot_write(folder.parent, error, "--data.index.cache_dir") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


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
    np.save(folder / _KEYS, np.array([key.encode() for key in keys]))
    about = {"root": str(root), "faults": faults, "fingerprint": digest.hexdigest(), "columns": list(used)}
    (folder / _ABOUT).write_text(json.dumps(about, indent=1))


def _misfit(root: Path, key: str, row: Row, columns: dict[str, NDArray[np.generic]]) -> str | None:
    for name, values in row.items():
        if values is not None and name in columns and values.shape != columns[name].shape[1:]:
            return (
                f"{root / key}: has {name} of shape {values.shape}, but samples before it of {columns[name].shape[1:]}. "
                "Give data sets of different models folders of their own."
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
