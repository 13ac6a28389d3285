"""Writes checkpoints in TensorFlow's format, for tests: a LevelDB table of names, and a file of numbers."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from datamodules.files.crc32c import masked_crc32c

_MAGIC = 0xDB4775248B80FB57
_RESTARTS = 16  # entries between keys that are stored whole


def write_bundle(
    prefix: Path,
    tensors: Mapping[str, NDArray[np.float32]],
    header: bytes = b"\x08\x01\x1a\x02\x08\x01",
    compression: int = 0,
    per_block: int = 64,
) -> None:
    """Writes `<prefix>.index` and `<prefix>.data-00000-of-00001`."""
    entries, parts, offset = {b"": header}, [], 0
    for name, array in sorted(tensors.items()):
        content = np.ascontiguousarray(array, "<f4")
        entries[name.encode()] = entry(array.shape, offset, content.nbytes, masked_crc32c(content))
        parts.append(content.tobytes())
        offset += content.nbytes
    prefix.with_name(f"{prefix.name}.data-00000-of-00001").write_bytes(b"".join(parts))
    prefix.with_name(f"{prefix.name}.index").write_bytes(table(entries, compression, per_block))


def entry(shape: tuple[int, ...], offset: int, size: int, checksum: int, dtype: int = 1, rest: bytes = b"") -> bytes:
    """A BundleEntryProto."""
    dimensions = b"".join(_field(2, _number(1, side)) for side in shape)
    numbers = _number(1, dtype) + _field(2, dimensions) + _number(4, offset) + _number(5, size)
    return numbers + bytes([6 << 3 | 5]) + checksum.to_bytes(4, "little") + rest


def table(entries: Mapping[bytes, bytes], compression: int = 0, per_block: int = 64) -> bytes:
    """A LevelDB table of sorted entries."""
    items, content, handles = list(entries.items()), b"", {}
    for first in range(0, len(items), per_block):
        some = items[first : first + per_block]
        block = _block(some)
        handles[some[-1][0]] = varint(len(content)) + varint(len(block))
        content += _sealed(block, compression)
    empty = _block([])
    footer = varint(len(content)) + varint(len(empty))
    content += _sealed(empty, 0)
    index = _block(list(handles.items()))
    footer += varint(len(content)) + varint(len(index))
    content += _sealed(index, 0)
    return content + footer.ljust(40, b"\0") + _MAGIC.to_bytes(8, "little")


def varint(value: int) -> bytes:
    """A number of seven bits per byte."""
    parts = []
    while value >= 0x80:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])


def _block(items: list[tuple[bytes, bytes]]) -> bytes:
    content, restarts, before = b"", [], b""
    for number, (key, value) in enumerate(items):
        if number % _RESTARTS == 0:
            restarts.append(len(content))
            before = b""
        shared = 0
        while shared < min(len(before), len(key)) and before[shared] == key[shared]:
            shared += 1
        content += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        before = key
    points = restarts or [0]
    return content + b"".join(point.to_bytes(4, "little") for point in [*points, len(points)])


def _sealed(block: bytes, compression: int) -> bytes:
    typed = block + bytes([compression])
    return typed + masked_crc32c(typed).to_bytes(4, "little")


def _number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def _field(field: int, content: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(content)) + content
