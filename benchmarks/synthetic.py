"""Measures the speed and memory of drawing synthetic faces: python -m benchmarks.synthetic [--many]."""

import os

os.environ["OMP_NUM_THREADS"] = "1"  # one core is what is measured

import resource
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

from benchmarks.measurements import save
from datamodules.files.images import write_jpeg
from datamodules.synthetic.head_poses import VIEWS
from datamodules.synthetic.population import Population

_SIZE = 256
_REPEATS, _PEOPLE = 5, 10
_MANY, _MANY_SIZE = 10_000, 64


def _seconds_a_face(population: Population, first: int, folder: Path) -> float:
    """Seconds per face, with JPEG encoding, for six views of each of ten people."""
    start = time.perf_counter()
    for person in range(first, first + _PEOPLE):
        for view in range(VIEWS):
            write_jpeg(folder / "face.jpg", population.photograph(person, view)[1])
    return (time.perf_counter() - start) / (_PEOPLE * VIEWS)


def _memory_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _speed() -> None:
    population = Population(0, _SIZE)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _seconds_a_face(population, 0, folder)  # compiles, and fills caches
        seconds = [_seconds_a_face(population, _PEOPLE * (1 + i), folder) for i in range(_REPEATS)]
    figures = {
        "image_size": _SIZE,
        "faces_a_second_one_core": 1 / float(np.median(seconds)),
        "of_repeats": [1 / value for value in seconds],
    }
    save("synthetic", "python -m benchmarks.synthetic", figures)


def _memory() -> None:
    population = Population(0, _MANY_SIZE)
    peaks = {}
    for number in range(_MANY):
        population.photograph(*divmod(number, VIEWS))
        if number + 1 in (_MANY // 10, _MANY):
            peaks[f"peak_memory_mb_after_{number + 1}"] = _memory_mb()
    save("synthetic_memory", "python -m benchmarks.synthetic --many", {"image_size": _MANY_SIZE, **peaks})


def main() -> None:
    """Measures, and writes results/synthetic.json; with --many, results/synthetic_memory.json."""
    cv2.setNumThreads(1)
    if "--many" in sys.argv[1:]:
        _memory()
    else:
        _speed()


if __name__ == "__main__":
    main()
