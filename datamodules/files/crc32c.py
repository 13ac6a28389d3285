"""The CRC-32C checksum (Castagnoli), which TensorFlow stores with its blocks and tensors."""

import numpy as np
from numpy.typing import NDArray

from datamodules.geometry.compiled import compiled

_POLYNOMIAL = np.uint32(0x82F63B78)  # of CRC-32C, least significant bit first
_AT_ONCE = 8  # bytes per step, each with a table of its own
_MASK_DELTA = 0xA282EAD8  # of the LevelDB table format
_ALL_BITS = 0xFFFFFFFF


def masked_crc32c(data: bytes | NDArray[np.generic]) -> int:
    """The checksum in the form that tables and tensor bundles store: rotated by 15 bits, plus a constant.

    Args:
        data: Bytes, or a contiguous array.
    """
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + _MASK_DELTA) & _ALL_BITS


def crc32c(data: bytes | NDArray[np.generic]) -> int:
    """The checksum of bytes, or of the bytes of a contiguous array."""
    flat = np.frombuffer(data, np.uint8) if isinstance(data, bytes) else data.reshape(-1).view(np.uint8)
    return int(_crc32c(flat, _TABLES))


def _tables() -> NDArray[np.uint32]:
    """(8, 256) checksums of each byte, followed by 0 to 7 zero bytes."""
    tables = np.empty((_AT_ONCE, 256), np.uint32)
    tables[0] = np.arange(256)
    for _ in range(8):
        tables[0] = np.where(tables[0] & 1, tables[0] >> 1 ^ _POLYNOMIAL, tables[0] >> 1)
    for place in range(1, _AT_ONCE):
        before = tables[place - 1]
        tables[place] = before >> 8 ^ tables[0, before & 0xFF]
    return tables


_TABLES = _tables()


@compiled(error_model="numpy", nogil=True)
def _crc32c(data: NDArray[np.uint8], tables: NDArray[np.uint32]) -> np.uint32:
    crc = np.uint32(0xFFFFFFFF)
    end = len(data) - len(data) % 8
    for start in range(0, end, 8):
        low = crc ^ (
            np.uint32(data[start])
            | np.uint32(data[start + 1]) << np.uint32(8)
            | np.uint32(data[start + 2]) << np.uint32(16)
            | np.uint32(data[start + 3]) << np.uint32(24)
        )
        crc = (
            tables[7, low & np.uint32(0xFF)]
            ^ tables[6, low >> np.uint32(8) & np.uint32(0xFF)]
            ^ tables[5, low >> np.uint32(16) & np.uint32(0xFF)]
            ^ tables[4, low >> np.uint32(24)]
            ^ tables[3, data[start + 4]]
            ^ tables[2, data[start + 5]]
            ^ tables[1, data[start + 6]]
            ^ tables[0, data[start + 7]]
        )
    for place in range(end, len(data)):
        crc = crc >> np.uint32(8) ^ tables[0, (crc ^ np.uint32(data[place])) & np.uint32(0xFF)]
    return np.uint32(crc ^ np.uint32(0xFFFFFFFF))
