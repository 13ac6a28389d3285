"""Reads LevelDB tables: sorted keys with values, in blocks with checksums.

The format is that of LevelDB's `table_format.md`: a footer of 48 bytes points to the index block, whose values point to the
blocks of the entries. Keys share prefixes with the key before them.
"""

from collections.abc import Iterator

from datamodules.files.crc32c import masked_crc32c
from datamodules.files.protobuf_fields import read_varint

_FOOTER = 48  # bytes
_MAGIC = (0xDB4775248B80FB57).to_bytes(8, "little")
_TRAILER = 5  # bytes behind a block: its compression and its checksum
_NUMBER = 4  # bytes of the restart points and of their count


def table_entries(table: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values of a table, in the order of the keys.

    Raises:
        ValueError: If the bytes are no table, a checksum is wrong, or blocks are compressed.
    """
    if len(table) < _FOOTER or not table.endswith(_MAGIC):
        raise ValueError("it does not end as one")
    footer = table[-_FOOTER:]
    place = 0
    for _ in range(2):  # of the block about filters, which is not needed
        _, place = read_varint(footer, place)
    last: bytes | None = None
    for _, handle in _block_entries(_block(table, footer[place:])):
        for key, value in _block_entries(_block(table, handle)):
            if last is not None and key <= last:
                raise ValueError("its names are not in order")
            last = key
            yield key, value


def _block(table: bytes, handle: bytes) -> bytes:
    """The block that a handle (offset and size) points to."""
    offset, place = read_varint(handle, 0)
    size, _ = read_varint(handle, place)
    if offset + size + _TRAILER > len(table):
        raise ValueError("a block of it is cut off")
    block = table[offset : offset + size + 1]
    checksum = int.from_bytes(table[offset + size + 1 : offset + size + _TRAILER], "little")
    if checksum != masked_crc32c(block):
        raise ValueError("a block of it does not have its checksum")
    if block[-1]:
        raise ValueError(f"its blocks are compressed (type {block[-1]}), which this reader does not know")
    return block[:-1]


def _block_entries(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    restarts = int.from_bytes(block[-_NUMBER:], "little")
    end = len(block) - _NUMBER * (restarts + 1)
    if end < 0:
        raise ValueError("a block of it is too short")
    place, key = 0, b""
    while place < end:
        shared, place = read_varint(block, place)
        own, place = read_varint(block, place)
        size, place = read_varint(block, place)
        if shared > len(key) or place + own + size > end:
            raise ValueError("an entry of it is cut off")
        key = key[:shared] + block[place : place + own]
        place += own
        yield key, block[place : place + size]
        place += size
