"""Checks the structure of a MATLAB 5 file, since scipy's reader follows damaged lengths and types out of its memory.

"MAT-File Level 5 File Format" (MathWorks) describes it: after a header of 128 bytes, elements of a type, a length and data.
An array is an element that holds others: flags, dimensions, name and numbers.
"""

import struct
import zlib
from collections.abc import Iterator
from math import prod
from typing import NamedTuple

_HEADER_BYTES = 128
_ORDER = {b"IM": "<", b"MI": ">"}  # last two bytes of the header
_INT8, _INT32, _UINT32, _MATRIX, _COMPRESSED = 1, 5, 6, 14, 15  # types of elements
_NUMBER_BYTES = {1: 1, 2: 1, 3: 2, 4: 2, 5: 4, 6: 4, 7: 4, 9: 8, 12: 8, 13: 8}  # of types that hold numbers
_TEXT = (*_NUMBER_BYTES, 16, 17, 18)
_CELL, _STRUCT, _CHAR, _OPAQUE = 1, 2, 4, 17  # classes of arrays
_NUMERIC = range(6, 16)
_COMPLEX = 0x0800  # flag
_MOST_DIMENSIONS, _DEEPEST = 32, 8
_MOST_BYTES = 2**30  # of an array when it is no longer compressed; the Basel Face Model has 2**28


class _Element(NamedTuple):
    kind: int
    data: memoryview


class _Header(NamedTuple):
    """Class, number of values and name of an array, and whether its numbers have an imaginary part."""

    kind: int
    values: int
    name: str
    is_complex: bool


def sound_arrays(content: bytes) -> list[str]:
    """Names of the arrays that scipy can read safely: numbers, text, and cells and structs of these.

    Raises:
        ValueError: If the file ends early, or a length, a type or a dimension contradicts another one.
    """
    order = _ORDER.get(content[_HEADER_BYTES - 2 : _HEADER_BYTES])
    if order is None or len(content) <= _HEADER_BYTES:
        raise ValueError("no header of a MATLAB 5 file")
    names = []
    for element in _elements(memoryview(content)[_HEADER_BYTES:], order):
        if element.kind == _COMPRESSED:
            (element,) = _elements(_decompressed(element.data), order)
        if element.kind != _MATRIX:
            raise ValueError(f"an element of type {element.kind} in place of an array")
        header, parts = _header(element.data, order)
        if header.name and _is_sound(header, parts, order, 0):
            names.append(header.name)
    return names


def _elements(data: memoryview, order: str) -> Iterator[_Element]:
    while data:
        if len(data) < 8:
            raise ValueError("the file ends early")
        kind, size = struct.unpack(f"{order}II", data[:8])
        if kind >> 16:  # up to four bytes stand in place of the length
            kind, size = kind & 0xFFFF, kind >> 16
            if size > 4:
                raise ValueError(f"a short element of {size} bytes")
            yield _Element(kind, data[4 : 4 + size])
            data = data[8:]
            continue
        if size > len(data) - 8:
            raise ValueError("the file ends early")
        yield _Element(kind, data[8 : 8 + size])
        data = data[8 + size if kind == _COMPRESSED else 8 + size + -size % 8 :]


def _decompressed(data: memoryview) -> memoryview:
    decompressor = zlib.decompressobj()
    try:
        plain = decompressor.decompress(data, _MOST_BYTES)
    except zlib.error as error:
        raise ValueError(str(error)) from error
    if not decompressor.eof:
        raise ValueError("compressed data end early, or hold more than a gigabyte")
    return memoryview(plain)


def _header(data: memoryview, order: str) -> tuple[_Header, Iterator[_Element]]:
    """The header of an array, and the elements that follow it."""
    parts = _elements(data, order)
    flags = next(parts, None)
    if flags is None or flags.kind != _UINT32 or len(flags.data) != 8:
        raise ValueError("an array without flags")
    (bits,) = struct.unpack(f"{order}I", flags.data[:4])
    if bits & 0xFF == _OPAQUE:
        return _Header(_OPAQUE, 0, "", False), parts
    sizes, name = next(parts, None), next(parts, None)
    if sizes is None or name is None or sizes.kind != _INT32 or name.kind != _INT8:
        raise ValueError("an array without dimensions or name")
    if len(sizes.data) % 4 or not 2 <= len(sizes.data) // 4 <= _MOST_DIMENSIONS:
        raise ValueError(f"dimensions of {len(sizes.data)} bytes")
    dimensions = struct.unpack(f"{order}{len(sizes.data) // 4}i", sizes.data)
    if min(dimensions) < 0:
        raise ValueError(f"dimensions {dimensions}")
    text = bytes(name.data).decode("latin-1")
    return _Header(bits & 0xFF, prod(dimensions), text, bool(bits & _COMPLEX)), parts


def _is_sound(header: _Header, parts: Iterator[_Element], order: str, depth: int) -> bool:
    """Whether an array is of a class that is read here; raises ValueError if it contradicts itself."""
    if depth > _DEEPEST:
        raise ValueError("arrays within arrays without end")
    if header.kind in _NUMERIC or header.kind == _CHAR:
        for _ in range(1 + header.is_complex):
            _check_values(header, next(parts, None))
        return True
    if header.kind not in (_CELL, _STRUCT):
        return False
    count = header.values * (_fields(parts, order) if header.kind == _STRUCT else 1)
    inner = list(parts)
    if len(inner) != count:
        raise ValueError(f"{len(inner)} arrays in place of {count}")
    are_sound = [_is_sound_within(element, order, depth + 1) for element in inner]  # all of them are checked
    return all(are_sound)


def _is_sound_within(element: _Element, order: str, depth: int) -> bool:
    if element.kind != _MATRIX:
        raise ValueError(f"an element of type {element.kind} in place of an array")
    return not element.data or _is_sound(*_header(element.data, order), order, depth)


def _check_values(header: _Header, values: _Element | None) -> None:
    """Raises ValueError unless an element holds as many values as the dimensions of its array say."""
    if values is None or values.kind not in (_TEXT if header.kind == _CHAR else _NUMBER_BYTES):
        raise ValueError("an array without numbers")
    expected = header.values * _NUMBER_BYTES.get(values.kind, 0)  # letters of UTF-8 take as much as they need
    if values.kind in _NUMBER_BYTES and len(values.data) != expected:
        raise ValueError(f"{len(values.data)} bytes in place of {expected}")


def _fields(parts: Iterator[_Element], order: str) -> int:
    """Number of fields of a struct."""
    size, names = next(parts, None), next(parts, None)
    if size is None or names is None or size.kind != _INT32 or len(size.data) != 4 or names.kind != _INT8:
        raise ValueError("a struct without fields")
    longest: int = struct.unpack(f"{order}i", size.data)[0]
    if longest < 1 or len(names.data) % longest:
        raise ValueError(f"names of fields of {longest} bytes")
    return len(names.data) // longest
