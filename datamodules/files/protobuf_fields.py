"""Reads the fields of protocol buffer messages."""

from collections.abc import Iterator

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5  # wire types
_LARGEST_BITS = 64  # of a varint
_SIZES = {_FIXED64: 8, _FIXED32: 4}


def read_varint(data: bytes, start: int) -> tuple[int, int]:
    """A whole number of seven bits per byte, least significant first, and the place behind it.

    Raises:
        ValueError: If it does not end within the data, or is too large.
    """
    value = shift = 0
    for place in range(start, len(data)):
        value |= (data[place] & 0x7F) << shift
        if data[place] < 0x80:
            if value >> _LARGEST_BITS:
                break
            return value, place + 1
        shift += 7
        if shift >= _LARGEST_BITS:
            break
    raise ValueError("a number in it does not end")


def fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Number and value of each field of a message; numbers of fixed size are little-endian and unsigned.

    Raises:
        ValueError: If the bytes are no message.
    """
    place = 0
    while place < len(message):
        key, place = read_varint(message, place)
        number, wire_type = key >> 3, key & 7
        if wire_type == _VARINT:
            value, place = read_varint(message, place)
            yield number, value
            continue
        if wire_type == _BYTES:
            size, place = read_varint(message, place)
        elif wire_type in _SIZES:
            size = _SIZES[wire_type]
        else:
            raise ValueError(f"a field in it has the unknown type {wire_type}")
        if size > len(message) - place:
            raise ValueError("a field in it is cut off")
        content = message[place : place + size]
        place += size
        yield number, content if wire_type == _BYTES else int.from_bytes(content, "little")


def whole_number(value: int | bytes) -> int:
    """The value of a field that must be a number of at least 0; raises ValueError if it is none."""
    if not isinstance(value, int) or value >> 63:
        raise ValueError("a field in it is no number of at least 0")
    return value


def nested(value: int | bytes) -> bytes:
    """The value of a field that must be a message; raises ValueError if it is none."""
    if not isinstance(value, bytes):
        raise ValueError("a field in it is no message")
    return value
