"""Refuses null for options that need a value, which the parser accepts in files whatever their type."""

from typing import Any, get_args

from jsonargparse import ArgumentParser, Namespace

from datamodules.errors import InputError


def refuse_nulls(parser: ArgumentParser, config: Namespace) -> None:
    """Checks that options have a value if their type and their default know no null, as a damaged file can give them one.

    Args:
        parser: The parser that read the options.
        config: The options.

    Raises:
        InputError: If one of them is null.
    """
    for action in parser._actions:
        kind: Any = getattr(action, "_typehint", None)
        takes_null = kind is Any or type(None) in get_args(kind) or action.default is None
        if not takes_null and action.dest in config and config[action.dest] is None:
            raise InputError(f"--{action.dest} is null, which is no value for it. Give one, or leave the option out.")
