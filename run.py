"""Which command runs what: the only place where data, network and tracking meet."""

import os
import sys
from collections.abc import Callable, Sequence
from itertools import takewhile
from pathlib import Path

os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # for deterministic GPUs; torch reads it when it starts

PROJECT = Path(__file__).resolve().parent
_FLAGS = ("--sheet", "--no_log")  # options that need no value


def main(args: Sequence[str] | None = None) -> object:
    """Runs one command, given as on the command line.

    Returns:
        What the command made: a `RunResult` for fit, validate and test.
    """
    arguments = list(sys.argv[1:] if args is None else args)
    if arguments[:1] == ["prepare"]:
        from datamodules.prepare import prepare

        return _call(prepare, arguments)
    if arguments[:1] == ["synthesize"]:
        from datamodules.synthetic.synthesize import synthesize

        return _call(synthesize, arguments)
    if arguments[:1] == ["evaluate"]:
        from lightning_module.evaluation.command import evaluate, evaluate_meshes

        if "--meshes" not in arguments:
            return _call(evaluate, arguments)
        place = arguments.index("--meshes")
        folders = zip(("--predictions", "--truths"), arguments[place + 1 : place + 3], strict=False)
        options = [*(f"{name}={folder}" for name, folder in folders), *arguments[place + 3 :]]
        return _call(evaluate_meshes, [*arguments[:place], *options])
    if arguments[:1] == ["compare"]:
        from lightning_module.reporting.compare import compare

        options = list(takewhile(lambda argument: not argument.startswith("-"), arguments[1:]))
        return _call(compare, ["compare", *(f"--runs+={name}" for name in options), *arguments[1 + len(options) :]])
    if arguments[:1] == ["ui"]:
        from lightning_module.reporting.ui import ui

        return _call(ui, arguments)
    from datamodules.face_datamodule import FaceDataModule
    from lightning_module.tracked_cli import TrackedCLI

    cli = TrackedCLI(FaceDataModule, PROJECT, arguments)
    return cli.result


def _call(function: Callable[..., object], arguments: list[str]) -> object:
    """Runs a command whose options are a function's."""
    from jsonargparse import ArgumentParser, auto_cli

    from datamodules.errors import OneLineErrors

    command, *options = (f"{argument}=true" if argument in _FLAGS else argument for argument in arguments)
    parser = type("Parser", (OneLineErrors, ArgumentParser), {})
    return auto_cli(function, args=options, prog=f"run.py {command}", as_positional=False, parser_class=parser)


def _main() -> int:
    """`main` for a terminal: what the user can mend is one line, not a traceback."""
    from datamodules.errors import InputError, reason

    try:
        main()
    except InputError as error:
        print(f"error: {reason(error)}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(_main())
