"""Compiled code on disk: kept, checked, and made anew where it is damaged or cannot be kept."""

import importlib.util
import logging
import os
import subprocess
import sys
from itertools import count

import numpy as np
import pytest
from numba.core import config

from datamodules.geometry import interpolation, rasterizer, shading
from datamodules.geometry.compiled import is_compiled
from tests.datamodules.files.test_cached_files import DAMAGE
from tests.runs import PROJECT

_SOURCE = """
from datamodules.geometry.compiled import compiled


@compiled(error_model="numpy")
def doubled(number):
    return 2 * number
"""
_numbers = count()


@pytest.fixture
def load(tmp_path, monkeypatch):
    """Imports a module with a compiled function anew, whose code is kept in a folder of its own."""
    folder = tmp_path / "code"
    monkeypatch.setattr(config, "CACHE_DIR", str(folder))
    (tmp_path / "numbers.py").write_text(_SOURCE)

    def loaded():
        spec = importlib.util.spec_from_file_location(f"numbers_{next(_numbers)}", tmp_path / "numbers.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.doubled

    return loaded, folder


def _hits(function):
    return sum(function.stats.cache_hits.values())


def test_code_is_kept_and_read_back(load, caplog):
    loaded, folder = load
    assert [loaded()(2.0) for _ in range(2)] == [4.0, 4.0]
    again = loaded()
    assert again(2.0) == 4.0
    assert _hits(again) == 1
    assert {path.suffix for path in folder.rglob("checked-*")} == {".nbi", ".nbc"}
    assert not caplog.messages


@pytest.mark.parametrize("ending", [".nbi", ".nbc"])
@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_code_is_compiled_anew(damage, ending, load, caplog):
    loaded, folder = load
    loaded()(2.0)
    (path,) = folder.rglob(f"*{ending}")
    path.write_bytes(DAMAGE[damage](path.read_bytes()))
    caplog.set_level(logging.WARNING)
    assert loaded()(2.0) == 4.0
    mended = loaded()
    assert mended(2.0) == 4.0
    assert _hits(mended) == 1
    # a changed bit of an index makes it the index of another file
    assert damage == "one other bit" or "is damaged" in caplog.text
    assert len(caplog.messages) <= 1


def test_machine_code_with_a_hole_is_not_run(load):
    loaded, folder = load
    loaded()(2.0)
    (path,) = folder.rglob("*.nbc")
    data = bytearray(path.read_bytes())
    start = data.index(b"\x7fELF") if b"\x7fELF" in data else len(data) // 3
    data[start + 200 : start + 500] = bytes(300)
    path.write_bytes(data)
    assert loaded()(2.0) == 4.0


def test_code_that_cannot_be_kept_is_compiled(load, monkeypatch):
    loaded, folder = load
    loaded()(2.0)
    for path in folder.rglob("*.nb*"):
        path.unlink()

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    function = loaded()
    monkeypatch.setattr("numba.core.caching.IndexDataCacheFile._open_for_write", full)
    assert function(2.0) == 4.0


def test_without_any_folder_code_is_compiled_in_each_process(tmp_path, monkeypatch, load):
    loaded, _ = load
    monkeypatch.setattr("numba.core.caching._CacheLocator.ensure_cache_path", _refuse)
    function = loaded()
    assert function(2.0) == 4.0
    assert _hits(function) == 0


def _refuse(self):
    raise PermissionError(13, "Permission denied")


def test_all_compiled_functions_of_the_project_are_kept_in_this_way():
    functions = [value for module in (interpolation, rasterizer, shading) for value in vars(module).values()]
    compiled_functions = [function for function in functions if is_compiled(function)]
    assert len(compiled_functions) >= 4
    assert {type(function._cache).__module__ for function in compiled_functions} == {"datamodules.geometry.compiled"}
    assert "njit(" not in "".join(
        path.read_text() for path in (PROJECT / "datamodules").rglob("*.py") if path.name != "compiled.py"
    )


@pytest.mark.slow
def test_numba_can_be_turned_off():
    program = "import numpy as np\nfrom datamodules.geometry.interpolation import interpolate\n" + (
        "print(interpolate(np.eye(3), np.array([[0, 1, 2]], np.int32), np.ones((1, 3), np.float32)).tolist())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == str(np.ones((1, 3)).tolist())
