"""Network files of small fits, and the place of the one that comes with the project."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from lightning_module import pretrained_network
from lightning_module.checkpoint import load_module, read_hyper_parameters
from lightning_module.packed_network import write_packed
from lightning_module.tracking.run_folder import RunFolder


def packed(run: RunFolder, path: Path, facts: dict[str, str]) -> Path:
    """Writes the best network of a run as a network file."""
    module = load_module(run.best_checkpoint)
    write_packed(path, module, read_hyper_parameters(run.best_checkpoint), module.region_table, facts)
    return path


def rewritten(path: Path, target: Path, metadata: dict[str, Any], **tensors: Any) -> Path:
    """A copy of a network file with other metadata or tensors, and the checksum of what it was copied from."""
    with safe_open(path, framework="pt") as file:
        text = file.metadata()
    save_file({**load_file(path), **tensors}, target, {**text, **metadata})
    return target


@contextmanager
def coming_along(path: Path) -> Iterator[None]:
    """Makes a file the network that comes with the project."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pretrained_network, "FILE", path)
        yield
