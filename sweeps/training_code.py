"""Identifies the code that trains, so that trials branch only from trainings of the same code."""

import hashlib
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from lightning_module.project import PROJECT
from lightning_module.tracking.environment import library_versions
from sweeps.trial_config import read_trial_config

_PACKAGES = ("datamodules", "lightning_module")
_NAMES = ("class_path", "data.regions")  # options that name a class or a function, or end so


@cache  # the code of this process, which later edits of the files do not change
def code_digest(config: Path) -> str:
    """16 hexadecimal digits of the sha256 of all code that a training runs, and of the versions of its libraries.

    Args:
        config: Configuration of the training; the modules of the classes that it names count as well, such as that of a
            network of your own.
    """
    sources = {
        path.relative_to(PROJECT).as_posix(): path for name in _PACKAGES for path in (PROJECT / name).rglob("*.py")
    }
    sources |= _named_modules(config)
    digest = hashlib.sha256(repr(sorted(library_versions().items())).encode())
    for name in sorted(sources):
        digest.update(f"{name}\n".encode() + sources[name].read_bytes())
    return digest.hexdigest()[:16]


def _named_modules(config: Path) -> dict[str, Path]:
    """The files of modules that a configuration names, by the modules' names."""
    paths = [str(value) for name, value in read_trial_config(config).items() if name.endswith(_NAMES) and value]
    files: dict[str, Path] = {}
    for module in sorted({path.rpartition(".")[0] for path in paths if "." in path}):
        try:
            spec = find_spec(module)
        except (ImportError, ValueError):  # the training itself says what is wrong with the name
            continue
        if spec is not None and spec.has_location and spec.origin:
            files[module] = Path(spec.origin)
    return files
