"""The command line: a table of commands and the functions that run them."""

import importlib
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # which would tell its makers how it is used
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # for deterministic GPUs; torch reads it when it starts


@dataclass(frozen=True)
class Command:
    """A command.

    Attributes:
        function: Module and function of the command, imported when it runs.
        summary: Its line in the help.
        positional: Parameters of the function that are given without a name.
        flags: Parameters whose option takes no value.
        repeated: Parameters whose option takes one or more values.
        takes_args: Whether the function takes the command line itself, starting with the command.
    """

    function: str
    summary: str
    positional: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    repeated: tuple[str, ...] = ()
    takes_args: bool = False


COMMANDS = {
    "fit": Command("lightning_module.cli:run_cli", "train a network, and test it", takes_args=True),
    "validate": Command(
        "lightning_module.cli:run_cli", "evaluate a checkpoint on the validation faces", takes_args=True
    ),
    "test": Command("lightning_module.cli:run_cli", "evaluate a checkpoint on the test faces", takes_args=True),
    "predict": Command(
        "lightning_module.inference.predict_command:predict",
        "reconstruct the faces of photographs as meshes",
        ("photos",),
    ),
    "demo": Command("lightning_module.inference.demo.demo_command:demo", "try networks with photographs, on a page"),
    "export": Command(
        "lightning_module.inference.export.export_command:export", "write a network as ONNX, TorchScript or pt2"
    ),
    "compare": Command(
        "lightning_module.reporting.compare_command:compare",
        "compare runs on the data sets that they were tested on",
        ("runs",),
        flags=("no_log",),
        repeated=("tags",),
    ),
    "sweep": Command("sweeps.sweep_command:sweep", "search region weights, and confirm the best", repeated=("score",)),
    "ui": Command("lightning_module.tracking.ui:ui", "show the runs in MLflow's pages"),
    "evaluate": Command(
        "lightning_module.inference.systems.evaluate_command:evaluate",
        "evaluate landmarks that any method has predicted",
        flags=("no_log",),
    ),
    "evaluate-meshes": Command(
        "lightning_module.reporting.evaluate_meshes_command:evaluate_meshes",
        "evaluate meshes by the Florence protocol",
        ("predictions", "truths"),
        flags=("no_log",),
    ),
    "reproduce": Command(
        "lightning_module.reproduction.reproduce_command:reproduce",
        "make the paper's tables and figures from the downloads",
        flags=("dry_run",),
        repeated=("ratios",),
    ),
    "import-prnet": Command(
        "lightning_module.inference.prnet.import_command:import_prnet",
        "write PRNet's published weights as a checkpoint",
    ),
    "assemble-bfm": Command(
        "datamodules.assemble_bfm:assemble_bfm", "make BFM.mat from the files that its authors publish"
    ),
    "prepare": Command("datamodules.prepare:prepare", "write position maps and crops as files", flags=("lossless",)),
    "render-views": Command(
        "datamodules.render_views:render_views",
        "write faces of photographs at other poses as a data set",
        flags=("sheet",),
    ),
    "fit-landmarks": Command(
        "datamodules.fit_3dmm:fit_photographs", "fit the face model to photographs with landmarks"
    ),
    "synthesize": Command(
        "datamodules.synthetic.synthesize:synthesize", "write synthetic faces as a data set", flags=("sheet",)
    ),
    "sweep-worker": Command("sweeps.worker_process:run_worker", "work on a sweep; started by sweep", ("stage",)),
}
_HIDDEN = ("sweep-worker",)


def main(args: Sequence[str] | None = None) -> object:
    """Runs one command.

    Args:
        args: The command and its options; by default those of the process.

    Returns:
        What the command's function returns: a `RunResult` for fit, validate and test.

    Raises:
        InputError: If there is no such command, or its options cannot be used.
    """
    arguments = list(sys.argv[1:] if args is None else args)
    if not arguments or arguments[0] in ("-h", "--help"):
        print(_help())
        return None
    name = arguments[0]
    if name not in COMMANDS:
        from datamodules.errors import InputError

        raise InputError(f"{name}: there is no such command. Give one of {', '.join(_shown())}.")
    from datamodules.disk_faults import named_disk_faults
    from datamodules.files.cache_home import provide_cache_home
    from datamodules.lost_workers import named_lost_workers

    provide_cache_home()  # before libraries are imported that look for it
    with named_disk_faults(arguments), named_lost_workers():
        return _run(COMMANDS[name], name, arguments)


def _run(command: Command, name: str, arguments: list[str]) -> object:
    _import("lightning_module.process_rank").settle_rank(is_distributed=command.takes_args)
    module, _, function_name = command.function.partition(":")
    function = getattr(_import(module), function_name)
    if command.takes_args:
        return function(arguments)
    from datamodules.command_line import run_function

    return run_function(function, arguments[1:], name, command.positional, command.flags, command.repeated)


def _import(module: str) -> ModuleType:
    """A module of this project.

    Raises:
        InputError: If a library that it needs is not installed, as where the virtual environment is not active.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        library = (error.name or "").partition(".")[0]
        if (Path(__file__).parent / library).exists():
            raise
        from datamodules.errors import InputError

        raise InputError(
            f"{library} is not installed in {sys.executable}. Activate the environment with source .venv/bin/activate, "
            "or install the project with pip install -e ."
        ) from error


def _shown() -> list[str]:
    return [name for name in COMMANDS if name not in _HIDDEN]


def _help() -> str:
    width = max(map(len, _shown()))
    lines = [f"  {name:<{width}}  {COMMANDS[name].summary}" for name in _shown()]
    return "\n".join(
        ["usage: run.py COMMAND [OPTIONS]", "", "commands (run.py COMMAND --help lists the options):", *lines]
    )


def _main() -> int:
    """Runs `main` in a terminal, where an error that the user can correct is one line instead of a traceback."""
    from datamodules.errors import InputError, reason
    from datamodules.terminal_output import make_output_unfailing

    make_output_unfailing()
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
