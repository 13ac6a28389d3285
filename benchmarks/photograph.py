"""Seconds from one photograph to its files, by stage: python -m benchmarks.photograph.

The photograph is skimage.data.astronaut(), the network the one that comes with the project, the detector scikit-image's.
"""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import skimage.data
from PIL import Image

from benchmarks.measurements import save
from datamodules.files.photographs import read_photograph
from lightning_module.inference.cascade_detector import CascadeDetector
from lightning_module.inference.face_files import write_face
from lightning_module.inference.page import write_page
from lightning_module.inference.photo_list import Photo
from lightning_module.inference.reconstructor import Reconstructor
from lightning_module.project import PROJECT

_REPEATS, _COMMANDS = 5, 3
_TEXTURE_SIZE = 512

_Spent = dict[str, list[float]]


def measure() -> None:
    """Takes the stages one by one, and the command as a whole, and saves medians."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "astronaut.png"
        Image.fromarray(skimage.data.astronaut()).save(path)
        spent: _Spent = {}
        _stages(path, {})  # imports, and what is computed once
        for _ in range(_REPEATS):
            _stages(path, spent)
        for _ in range(_COMMANDS):
            _timed(spent, "the command as a whole, with imports", lambda: _command(path))
    figures = {name: round(median(seconds), 3) for name, seconds in spent.items()}
    save("photograph", "python -m benchmarks.photograph", figures)


def _stages(path: Path, spent: _Spent) -> None:
    detector = CascadeDetector()
    reconstructor = _timed(
        spent, "loading the network", lambda: Reconstructor.load("pretrained", detector="scikit-image")
    )
    image = _timed(spent, "reading the photograph", lambda: read_photograph(path))
    candidates = "search: candidates of the detector (part of the search)"
    _timed(spent, candidates, lambda: detector.candidates(image))
    found = _timed(spent, "search, all of it", lambda: reconstructor.detect(image))
    (face,) = _timed(
        spent, "reconstruction: two passes, ten maps each", lambda: reconstructor.reconstruct(image, found)
    )
    out, photo = path.parent / "out", Photo(path, "astronaut")
    out.mkdir(exist_ok=True)
    shown = _timed(
        spent, "mesh, texture, pictures and files", lambda: write_face(face, photo, out, "pretrained", _TEXTURE_SIZE)
    )
    _timed(spent, "the page", lambda: write_page([shown], _TEXTURE_SIZE, out))


def _command(path: Path) -> None:
    arguments = [str(path), f"--out={path.parent / 'faces'}", "--detector=scikit-image"]
    subprocess.run([sys.executable, "run.py", "predict", *arguments], cwd=PROJECT, check=True, capture_output=True)


def _timed(spent: _Spent, name: str, function: Callable[[], Any]) -> Any:
    start = perf_counter()
    made = function()
    spent.setdefault(name, []).append(perf_counter() - start)
    return made


if __name__ == "__main__":
    measure()
