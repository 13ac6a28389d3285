"""Damages bytes as disks, copies and editors do: bit flips, cuts, runs of zeros, swapped blocks."""

from collections.abc import Callable

import numpy as np

_MOST_CHANGES = 3  # of one input
_MOST_FLIPS = 64
_LEAST_BYTES = 2  # of an input that can be damaged in every way


def mutated(data: bytes, rng: np.random.Generator) -> tuple[bytes, str]:
    """Damaged data, and what was done to it.

    Sizes of damage are log-uniform, from one byte to all of the data.

    Args:
        data: At least two bytes.
        rng: Decides everything.

    Raises:
        ValueError: If there is less to damage.
    """
    if len(data) < _LEAST_BYTES:
        raise ValueError(f"{len(data)} bytes cannot be damaged")
    done = []
    for _ in range(rng.integers(1, _MOST_CHANGES + 1)):
        kind = _KINDS[rng.integers(len(_KINDS))]
        data, what = kind(data, rng)
        done.append(what)
        if len(data) < _LEAST_BYTES:
            break
    return data, ", ".join(done)


def _size(most: int, rng: np.random.Generator) -> int:
    """A log-uniform number from 1 to `most`."""
    return int(np.exp(rng.uniform(0, np.log(most + 1))))


def _flip(data: bytes, rng: np.random.Generator) -> tuple[bytes, str]:
    changed = bytearray(data)
    count = _size(_MOST_FLIPS, rng)
    for place, bit in zip(rng.integers(len(data), size=count), rng.integers(8, size=count), strict=True):
        changed[place] ^= 1 << int(bit)
    return bytes(changed), f"{count} bits flipped"


def _cut(data: bytes, rng: np.random.Generator) -> tuple[bytes, str]:
    size = _size(len(data), rng)
    return data[: len(data) - size], f"last {size} bytes cut"


def _leave_out(data: bytes, rng: np.random.Generator) -> tuple[bytes, str]:
    size = _size(len(data) - 1, rng)
    start = int(rng.integers(len(data) - size + 1))
    return data[:start] + data[start + size :], f"{size} bytes left out at {start}"


def _zero(data: bytes, rng: np.random.Generator) -> tuple[bytes, str]:
    size = _size(len(data), rng)
    start = int(rng.integers(len(data) - size + 1))
    return data[:start] + bytes(size) + data[start + size :], f"{size} zeros at {start}"


def _swap(data: bytes, rng: np.random.Generator) -> tuple[bytes, str]:
    size = _size(len(data) // 2, rng)
    first = int(rng.integers(len(data) - 2 * size + 1))
    second = int(rng.integers(first + size, len(data) - size + 1))
    one, other = data[first : first + size], data[second : second + size]
    between, rest = data[first + size : second], data[second + size :]
    return data[:first] + other + between + one + rest, f"{size} bytes swapped at {first} and {second}"


_KINDS: tuple[Callable[[bytes, np.random.Generator], tuple[bytes, str]], ...] = (_flip, _cut, _leave_out, _zero, _swap)
