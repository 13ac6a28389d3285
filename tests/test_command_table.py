"""The table of commands, and how the parameters of a function become the options of a command."""

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from datamodules.command_line import run_function
from datamodules.errors import InputError
from run import COMMANDS, main
from tests.runs import PROJECT


def order(
    dishes: list[str], table: Path, guests: int = 2, is_hurried: bool = False, notes: list[str] | None = None
) -> tuple[list[str], Path, int, bool, list[str] | None]:
    """Takes an order.

    Args:
        dishes: What to bring.
        table: Where to bring it.
        guests: How many eat.
        is_hurried: Whether they are in a hurry.
        notes: What the kitchen should know.
    """
    return dishes, table, guests, is_hurried, notes


def _order(*args):
    return run_function(order, args, "order", "dishes", flags=("is_hurried",), repeated=("notes",))


def test_options_are_a_functions_parameters():
    assert _order("soup", "fish", "--table=3") == (["soup", "fish"], Path("3"), 2, False, None)
    assert _order("--table", "3", "--guests", "4", "--is_hurried", "--notes", "salt", "no nuts") == (
        [],
        Path("3"),
        4,
        True,
        ["salt", "no nuts"],
    )
    assert _order("--table=3", "--notes", "a", "--notes", "b")[4] == ["a", "b"]


@pytest.mark.parametrize(
    ("args", "fault"),
    [
        (["--table=3", "--guests=two"], "guests"),
        (["--table=3", "--guest=2"], "guest"),
        (["--table=3", "--gests=2"], "gests"),
        ([], "table"),
        (["--table=3", "--notes"], "notes"),
    ],
)
def test_a_mistake_is_one_line_that_names_the_option(args, fault):
    with pytest.raises(InputError, match=fault) as error:
        _order(*args)
    assert "\n" not in str(error.value)
    assert "run.py order --help" in str(error.value)


def test_help_shows_the_docstring_of_every_parameter(capsys):
    with pytest.raises(SystemExit):
        _order("--help")
    shown = " ".join(capsys.readouterr().out.split())
    for text in ("Takes an order.", "What to bring.", "Where to bring it.", "hurry.", "What the kitchen should know."):
        assert text in shown


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name, capsys):
    with pytest.raises(SystemExit) as done:
        main([name, "--help"])
    assert done.value.code == 0
    assert f"run.py {name}" in capsys.readouterr().out


def test_the_list_of_commands_needs_no_torch():
    code = "import sys, run; run.main(['--help']); assert not {'torch', 'numpy', 'jsonargparse'} & sys.modules.keys()"
    start = time.monotonic()
    shown = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    assert time.monotonic() - start < 3  # 0.1 s on an idle machine
    for name, command in COMMANDS.items():
        assert (f"  {name} " in shown) == (name != "sweep-worker")
        assert command.summary in shown or name == "sweep-worker"


def test_an_environment_without_the_libraries_is_one_line_that_names_the_remedy():
    bare = subprocess.run(
        [sys.executable, "-S", "run.py", "fit"], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert bare.returncode == 2
    assert re.fullmatch(
        r"error: \w+ is not installed in .*\. Activate the environment with source \.venv/bin/activate, .*\n",
        bare.stderr,
    )
