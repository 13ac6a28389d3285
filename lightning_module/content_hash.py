"""Passes nested tensors and plain values to a hash function, so that equal contents have equal digests."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor


def hash_content(value: Any, name: str, update: Callable[[bytes], None]) -> None:
    """Passes a value to a hash function, with the name and the type of each of its parts.

    Args:
        value: Tensors and plain values in mappings, lists and tuples; the order of a mapping does not matter.
        name: Name of the value.
        update: The `update` of a hash object.
    """
    if isinstance(value, Tensor):
        update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        update(value.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    elif isinstance(value, Mapping):
        for key in sorted(value, key=str):
            hash_content(value[key], f"{name}.{key}", update)
    elif isinstance(value, list | tuple):
        for number, part in enumerate(value):
            hash_content(part, f"{name}.{number}", update)
    else:
        update(f"{name} {value!r}".encode())
