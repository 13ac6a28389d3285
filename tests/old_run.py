"""A run of commit 6b326a5, kept as a fixture: its checkpoint, its configuration, and the figures that it logged."""

import json
import lzma
from pathlib import Path

import numpy as np

_FOLDER = Path(__file__).parent / "fixtures" / "run_6b326a5"
CONFIG = _FOLDER / "config.yaml"


def old_checkpoint(folder: Path) -> Path:
    """Unpacks its last.ckpt into a folder."""
    packed = (_FOLDER / "last.ckpt.packed").read_bytes()
    size = int.from_bytes(packed[:8], "little")
    planes = np.frombuffer(lzma.decompress(packed[8:]), np.uint8)  # all first bytes of four, then all second ones, ...
    path = folder / "last.ckpt"
    path.write_bytes(planes.reshape(4, -1).T.tobytes()[:size])
    return path


def old_figures() -> dict[tuple[str, int], float]:
    """What it logged, by name and step."""
    figures = json.loads((_FOLDER / "figures.json").read_text())
    return {(name.rpartition(" ")[0], int(name.rpartition(" ")[2])): value for name, value in figures.items()}
