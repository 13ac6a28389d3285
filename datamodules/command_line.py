"""Runs a command whose options are the parameters of a function."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any, get_args, get_origin

import docstring_parser
from jsonargparse import ArgumentParser

from datamodules.errors import OneLineErrors


class _Parser(OneLineErrors, ArgumentParser):
    """jsonargparse's parser, whose errors are one line."""


def run_function(
    function: Callable[..., object],
    args: Sequence[str],
    command: str,
    positional: str | Sequence[str] | None = None,
    flags: Sequence[str] = (),
    repeated: Sequence[str] = (),
) -> object:
    """Calls a function with arguments from the command line.

    Args:
        function: The command; its type hints and docstring make the options and their help.
        args: The options, without the command.
        command: Name of the command, for help and errors.
        positional: Parameters that are given without a name; a list takes any number of values.
        flags: Parameters whose option takes no value and means true.
        repeated: Parameters whose option takes one or more values, and can be given again.

    Returns:
        What the function returns.

    Raises:
        InputError: If an option is unknown, missing or of the wrong type.
    """
    documented = docstring_parser.parse(function.__doc__ or "")
    summary = (function.__doc__ or "").partition("\n    Args:")[0]
    parser = _Parser(
        prog=f"run.py {command}",
        description=inspect.cleandoc(summary),
        allow_abbrev=False,  # a wrong name that begins a right one would be taken for it
    )
    names = (positional,) if isinstance(positional, str) else tuple(positional or ())
    texts = {parameter.arg_name: parameter.description for parameter in documented.params}
    hints = {name: parameter.annotation for name, parameter in inspect.signature(function).parameters.items()}
    for name in names:
        if (element := _element(hints[name])) is None:
            parser.add_argument(name, type=hints[name], help=texts.get(name))
        else:
            parser.add_argument(name, nargs="*", type=element, help=texts.get(name))
    parser.add_function_arguments(function, as_group=False, fail_untyped=True, skip={*names, *flags, *repeated})
    for name in flags:
        parser.add_argument(f"--{name}", action="store_true", help=texts.get(name))
    for name in repeated:
        element = _element(hints[name])
        parser.add_argument(f"--{name}", nargs="+", action="extend", type=element, help=texts.get(name))
    values = parser.instantiate(parser.parse_args(list(args))).as_dict()
    return function(**{name: value for name, value in values.items() if name not in repeated or value is not None})


def _element(hint: Any) -> Any:
    """Type of a list's elements, also of an optional list; None for other types."""
    for choice in (hint, *get_args(hint)):
        if get_origin(choice) in (list, Sequence):
            return get_args(choice)[0]
    return None
