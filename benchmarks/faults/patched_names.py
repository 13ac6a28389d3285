"""Replaces a name in a module of this process, which is a child that ends soon."""

import importlib
from collections.abc import Callable
from typing import Any


def replace_name(module: str, name: str, replacement: Callable[[Any], Any]) -> None:
    """Replaces what a module has under a name.

    Args:
        module: Name of the module.
        name: Name in it.
        replacement: Makes the new value of the old one.
    """
    place = importlib.import_module(module)
    setattr(place, name, replacement(getattr(place, name)))
