"""Files of text are UTF-8, and a terminal with fewer characters ends nothing."""

import ast
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

import run
from tests.runs import fit_arguments

PROJECT = Path(__file__).resolve().parents[1]
ROOMS = ("datamodules", "lightning_module", "sweeps", "benchmarks")
SOURCES = [PROJECT / "run.py", PROJECT / "setup.py"]
SOURCES += sorted(path for room in ROOMS for path in (PROJECT / room).rglob("*.py"))
NO_TEXT = {"os.open", "Image.open", "webbrowser.open", "tarfile.open", "archive.open"}


def _name(call):
    function = call.func
    if isinstance(function, ast.Name):
        return function.id
    if isinstance(function, ast.Attribute):
        owner = function.value.id if isinstance(function.value, ast.Name) else ""
        return f"{owner}.{function.attr}"
    return ""


def _is_binary(call):
    values = [*call.args, *(keyword.value for keyword in call.keywords if keyword.arg == "mode")]
    modes = [value.value for value in values if isinstance(value, ast.Constant) and isinstance(value.value, str)]
    return any("b" in mode and len(mode) <= 3 for mode in modes)


def _lacks_encoding(call):
    """Whether a call reads or writes text in the encoding of the terminal."""
    name, given = _name(call), {keyword.arg for keyword in call.keywords}
    method = name.rpartition(".")[2]
    if name in NO_TEXT or "encoding" in given:
        return False
    if method in ("read_text", "write_text"):
        return True
    if method in ("open", "fdopen"):
        return not _is_binary(call)
    if method in ("NamedTemporaryFile", "TemporaryFile"):
        return "mode" in given and not _is_binary(call)
    return bool(given & {"text", "universal_newlines"}) and method in ("run", "Popen", "check_output")


def _faults(tree):
    return [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Call) and _lacks_encoding(node)]


def test_every_file_of_text_names_its_encoding():
    faults = {path: _faults(ast.parse(path.read_text(encoding="utf-8"))) for path in SOURCES}
    assert not [f"{path.relative_to(PROJECT)}:{line}" for path, lines in faults.items() for line in lines]


@pytest.mark.parametrize(
    ("code", "is_fault"),
    [
        ("open(path)", True),
        ("open(path, 'rb')", False),
        ("path.open('w')", True),
        ("path.open(mode='wb')", False),
        ("path.open(encoding='utf-8')", False),
        ("path.read_text()", True),
        ("path.write_text('a b')", True),
        ("path.write_text('a b', encoding='utf-8')", False),
        ("Image.open(path)", False),
        ("os.open(path, flags)", False),
        ("subprocess.run(command, text=True)", True),
        ("subprocess.run(command)", False),
        ("subprocess.Popen(command, text=True, encoding='utf-8')", False),
        ("tempfile.NamedTemporaryFile(mode='w')", True),
    ],
)
def test_a_call_without_an_encoding_is_found(code, is_fault):
    assert bool(_faults(ast.parse(code))) == is_fault


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_what_a_terminal_cannot_show_is_replaced(encoding, monkeypatch):
    shown = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(shown, encoding=encoding, write_through=True))
    monkeypatch.setattr(run, "main", lambda: print("0-30°, größer · ×, \udcff"))
    assert run._main() == 0
    text = shown.getvalue().decode(encoding)
    assert text.startswith("0-30?" if encoding == "ascii" else "0-30°")
    assert text.endswith("?\n")  # a name of a file that is no UTF-8


def _full_disk():
    return os.open("/dev/full", os.O_WRONLY)


def _pipe_without_reader():
    reader, writer = os.pipe()
    os.close(reader)
    return writer


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux")
@pytest.mark.parametrize("place", [_full_disk, _pipe_without_reader])
def test_an_output_that_takes_nothing_ends_nothing(place, monkeypatch):
    descriptor = place()
    with pytest.raises(OSError):  # noqa: PT011  # a plain write fails there
        os.write(descriptor, b"x")
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.FileIO(descriptor, "wb"), encoding="utf-8"))
    calls = []

    def main():
        for number in range(3):
            print("line" * 10000, flush=True)
            calls.append(number)

    monkeypatch.setattr(run, "main", main)
    assert run._main() == 0
    assert calls == [0, 1, 2]
    assert sys.stdout.fileno() == descriptor


@pytest.mark.slow
@pytest.mark.parametrize("surroundings", [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0"}])
def test_a_terminal_without_letters_ends_neither_a_fit_nor_an_export(surroundings, faces, model_file, tmp_path):
    def command(*arguments):
        done = subprocess.run(
            [sys.executable, str(PROJECT / "run.py"), *arguments],
            cwd=tmp_path,
            env={**os.environ, **surroundings},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=170,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout.decode("ascii")

    name = "--tracking.run_name=plain"
    assert "0-30?" in command(*fit_arguments(faces, model_file, tmp_path, f"--data.test.root={faces}", name))
    (checkpoint,) = tmp_path.glob("runs/*/best.ckpt")
    command("export", f"--ckpt_path={checkpoint}", "--format=torchscript", f"--out={tmp_path / 'out.pt'}")
    assert "°" in (tmp_path / "out.pt.md").read_text(encoding="utf-8")
