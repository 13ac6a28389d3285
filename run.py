"""Which command runs what: the only place where data, network and tracking meet."""

import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytorch_lightning import Callback

os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # for deterministic GPUs; torch reads it when it starts

PROJECT = Path(__file__).resolve().parent
_FLAGS = ("--sheet", "--profile", "--no_log")  # options that need no value
_REPEATED = ("--runs", "--tags", "--score")  # options that can be given again and again


def main(args: Sequence[str] | None = None, callbacks: Sequence["Callback"] = ()) -> object:
    """Runs one command, given as on the command line.

    Args:
        args: By default those of the process.
        callbacks: Lightning's, for fit, validate and test.

    Returns:
        What the command made: a `RunResult` for fit, validate and test.
    """
    arguments = list(sys.argv[1:] if args is None else args)
    if arguments[:1] == ["prepare"]:
        from datamodules.prepare import prepare

        return _call(prepare, arguments)
    if arguments[:1] == ["fit-landmarks"]:
        from datamodules.fit_3dmm import fit_photographs

        return _call(fit_photographs, arguments)
    if arguments[:1] == ["synthesize"]:
        from datamodules.synthetic.synthesize import synthesize

        return _call(synthesize, arguments)
    if arguments[:1] == ["evaluate"]:
        from lightning_module.evaluation.evaluate_command import evaluate

        return _call(evaluate, arguments)
    if arguments[:1] == ["evaluate-meshes"]:
        from lightning_module.evaluation.evaluate_meshes_command import evaluate_meshes

        folders, options = _split(arguments[1:])
        named = (f"{name}={folder}" for name, folder in zip(("--predictions", "--truths"), folders, strict=False))
        return _call(evaluate_meshes, ["evaluate-meshes", *named, *options])
    if arguments[:1] == ["compare"]:
        from lightning_module.reporting.compare_command import compare

        runs, options = _split(arguments[1:])
        return _call(compare, ["compare", *(f"--runs={name}" for name in runs), *options])
    if arguments[:1] == ["ui"]:
        from lightning_module.tracking.ui import ui

        return _call(ui, arguments)
    if arguments[:1] == ["sweep"]:
        from sweeps.sweep_command import sweep

        return _call(sweep, arguments)
    if arguments[:1] == ["sweep-worker"]:  # started by sweep
        from sweeps.worker_process import run_worker

        run_worker("confirm" if arguments[1] == "confirm" else "search")
        return None
    if arguments[:1] == ["export"]:
        from lightning_module.inference.export.export_command import export
        from lightning_module.inference.sample_photo import sample_crops

        return _call(export, arguments, crops=sample_crops)
    if arguments[:1] == ["predict"] and _is_about_photos(arguments):
        from lightning_module.inference.crop_network import load_network
        from lightning_module.inference.predict_command import predict

        return _call(predict, _listed(arguments, "--data.photos"), load_network=load_network)
    from datamodules.face_datamodule import FaceDataModule
    from lightning_module.cli import TrackedCLI

    cli = TrackedCLI(FaceDataModule, PROJECT, arguments, callbacks)
    return cli.result


def _split(arguments: Iterable[str]) -> tuple[list[str], list[str]]:
    """What stands alone, and options as name=value."""
    alone, options, rest = [], [], list(arguments)
    while rest:
        argument = rest.pop(0)
        if not argument.startswith("-"):
            alone.append(argument)
        elif argument in _FLAGS and rest[:1] not in (["true"], ["false"]):
            options.append(f"{argument}=true")
        elif "=" in argument or argument in ("-h", "--help") or not rest:
            options.append(argument)
        else:
            options.append(f"{argument}={rest.pop(0)}")
    return alone, options


def _is_about_photos(arguments: list[str]) -> bool:
    """Rather than about a data set; help is, unless something of a data set stands beside it."""
    if any(argument.startswith("--data.photos") for argument in arguments):
        return True
    asks_for_help = {"-h", "--help"} & set(arguments)
    return bool(asks_for_help) and not any(argument.startswith(("--data.", "--config")) for argument in arguments)


def _listed(arguments: list[str], name: str) -> list[str]:
    """All that follows an option up to the next one, as one list."""
    values: list[str] = []
    others: list[str] = []
    takes = False
    for argument in arguments:
        if argument == name or argument.startswith("-"):
            takes = argument == name
        if argument.startswith(f"{name}="):
            values.append(argument.removeprefix(f"{name}="))
        elif argument != name:
            (values if takes else others).append(argument)
    return [*others, f"{name}={json.dumps(values)}"] if values else others


def _call(function: Callable[..., object], arguments: list[str], **handed: object) -> object:
    """Runs a command whose options are a function's, but for what is handed to it."""
    from jsonargparse import ArgumentParser

    from datamodules.errors import OneLineErrors

    command, *given = arguments
    alone, options = _split(given)
    for name in _REPEATED:  # jsonargparse appends with +=, and takes = for the whole list
        options = [
            option.replace(f"{name}=", f"{name}+=", 1) if option.startswith(f"{name}=") else option
            for option in options
        ]
    summary = (function.__doc__ or "").partition("\n    Args:")[0]
    parser = type("Parser", (OneLineErrors, ArgumentParser), {})(prog=f"run.py {command}", description=summary)
    parser.add_function_arguments(function, as_group=False, fail_untyped=True, skip=set(handed))
    return function(**parser.instantiate(parser.parse_args(options + alone)).as_dict(), **handed)


def _main() -> int:
    """`main` for a terminal: what the user can mend is one line, not a traceback."""
    from datamodules.errors import InputError, reason

    try:
        main()
    except InputError as error:
        print(f"error: {reason(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(_main())
