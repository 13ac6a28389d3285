"""Reads the checkpoints of TensorFlow ("tensor bundles"): a table of names, and files with the numbers.

The table, `<checkpoint>.index`, is a LevelDB table of `BundleEntryProto` messages (TensorFlow's `tensor_bundle.proto`). The
files `<checkpoint>.data-00000-of-00001` hold the numbers of the tensors one after another.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from datamodules.errors import InputError
from datamodules.files.crc32c import masked_crc32c
from datamodules.files.leveldb_table import table_entries
from datamodules.files.protobuf_fields import fields, nested, whole_number

_INDEX, _DATA = ".index", ".data-"
_LARGEST_INDEX = 2**24  # bytes; that of PRNet has 20 000
_FLOAT32 = 1  # number of the type in TensorFlow's `types.proto`
_FLOAT_BYTES = 4
_REMEDY = "Copy or download it again."


class TensorEntry(NamedTuple):
    """Where a tensor is.

    Attributes:
        dtype: The number of its type.
        shape: Its shape.
        shard: The number of its data file.
        offset: Its place in this file, in bytes.
        size: Its size in bytes.
        checksum: Its masked CRC-32C.
        is_sliced: Whether it is stored in parts.
    """

    dtype: int
    shape: tuple[int, ...]
    shard: int
    offset: int
    size: int
    checksum: int
    is_sliced: bool


@dataclass(frozen=True)
class TensorBundle:
    """A checkpoint of TensorFlow.

    Attributes:
        prefix: Its path without the endings of its files.
    """

    prefix: Path

    @classmethod
    def of(cls, path: Path) -> "TensorBundle":
        """The checkpoint of a name without an ending, as TensorFlow takes it, or of any of its files."""
        for ending in (_INDEX, ".meta"):
            if path.name.endswith(ending):
                return cls(path.with_name(path.name.removesuffix(ending)))
        return cls(path.with_name(path.name.rpartition(_DATA)[0] or path.name))

    @property
    def index(self) -> Path:
        """The file of its table."""
        return self.prefix.with_name(f"{self.prefix.name}{_INDEX}")

    @property
    def entries(self) -> Mapping[str, TensorEntry]:
        """Its tensors by name.

        Raises:
            InputError: If the table cannot be read or is damaged.
        """
        return self._table[1]

    def read(self, name: str, shape: tuple[int, ...], verify: bool = True) -> NDArray[np.float32]:
        """One tensor.

        Args:
            name: Its name.
            shape: The shape that it must have, which bounds what is read.
            verify: Whether its checksum is compared.

        Raises:
            InputError: If there is no such tensor, it has another shape or type, or its numbers are not as the table says.
        """
        count, entries = self._table
        entry = entries.get(name)
        if entry is None:
            raise InputError(f"{self.index}: has no tensor {name}. Is it the checkpoint of another network?")
        if entry.dtype != _FLOAT32 or entry.is_sliced or entry.shape != shape:
            kind = "stored in parts" if entry.is_sliced else f"of type {entry.dtype} and shape {entry.shape}"
            raise InputError(
                f"{self.index}: {name} is {kind}, expected float32 of shape {shape}. Is it the checkpoint of another network?"
            )
        path = self.prefix.with_name(f"{self.prefix.name}{_DATA}{entry.shard:05d}-of-{count:05d}")
        if entry.size != prod(shape) * _FLOAT_BYTES or entry.shard >= count:
            raise InputError(f"{self.index}: is damaged (the size or file of {name}). {_REMEDY}")
        try:
            whole = path.stat().st_size
            if entry.offset + entry.size > whole:
                raise InputError(
                    f"{path}: ends after {whole} bytes, before the end of {name} at {entry.offset + entry.size}. Is it "
                    f"truncated, or that of another {_INDEX} file? {_REMEDY}"
                )
            numbers = np.fromfile(path, "<f4", prod(shape), offset=entry.offset)
        except FileNotFoundError as error:
            raise InputError(f"{path}: there is no such file. Put it beside {self.index.name}.") from error
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror or error}).") from error
        if verify and masked_crc32c(numbers) != entry.checksum:
            raise InputError(
                f"{path}: {name} does not have its checksum: the file is damaged, or that of another {_INDEX} file. {_REMEDY}"
            )
        return numbers.reshape(shape).astype(np.float32, copy=False)

    @cached_property
    def _table(self) -> tuple[int, dict[str, TensorEntry]]:
        """The number of data files, and the tensors by name."""
        try:
            with self.index.open("rb") as file:
                table = file.read(_LARGEST_INDEX + 1)
        except FileNotFoundError as error:
            raise InputError(
                f"{self.index}: there is no such file. Give the path of a TensorFlow checkpoint without an ending; its "
                f"{_INDEX} and {_DATA}... files lie side by side."
            ) from error
        except OSError as error:
            raise InputError(f"{self.index}: cannot be read ({error.strerror or error}).") from error
        try:
            if len(table) > _LARGEST_INDEX:
                raise ValueError("it is far too large")
            messages = {key.decode(): value for key, value in table_entries(table)}
            count = _data_files(messages.pop("", b""))
            return count, {name: _entry(message) for name, message in messages.items()}
        except ValueError as error:  # UnicodeDecodeError is one
            fault = "a name in it is no text" if isinstance(error, UnicodeDecodeError) else error
            raise InputError(
                f"{self.index}: is no table of a TensorFlow checkpoint, or damaged ({fault}). {_REMEDY}"
            ) from error


def _data_files(header: bytes) -> int:
    """The number of data files, from a `BundleHeaderProto`."""
    values = dict(fields(header))
    if values.get(2):
        raise ValueError("its numbers are big-endian, which this reader does not know")
    return whole_number(values.get(1, 0))


def _entry(message: bytes) -> TensorEntry:
    values: dict[int, int] = {}
    shape: tuple[int, ...] = ()
    is_sliced = False
    for number, value in fields(message):
        if number == 2:
            shape = tuple(
                sum(whole_number(size) for key, size in fields(nested(dimension)) if key == 1)
                for field, dimension in fields(nested(value))
                if field == 2
            )
        elif number == 7:
            is_sliced = True
        else:
            values[number] = whole_number(value)
    dtype, shard, offset, size, checksum = (values.get(number, 0) for number in (1, 3, 4, 5, 6))
    return TensorEntry(dtype, shape, shard, offset, size, checksum, is_sliced)
