"""Compares photographs by formula with real ones by statistics, and times them: python -m benchmarks.appearance.

With --sheets FOLDER, contact sheets of each option beside the default are written instead. Real photographs are those in
../shared/real, of which only medians and spreads are reported; without them, they are left out.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"  # one core is what is measured

import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.measurements import save
from datamodules.files.face_mat import read_face_mat
from datamodules.files.images import write_jpeg
from datamodules.files.photographs import read_photograph
from datamodules.geometry.crop import crop_boxes, crop_matrix, image_matrix
from datamodules.synthetic.population import Population
from datamodules.synthetic.variety import NO_VARIETY, Variety

REAL = Path(__file__).resolve().parents[2] / "shared" / "real"
_OF_HEADS = ("proportions", "children", "elderly", "expressions", "wide_poses")  # the others concern pictures
OPTIONS = tuple(name for name in vars(NO_VARIETY) if name not in _OF_HEADS)
_SHARES = (0.3, 1.0)
_FACES, _SIZE, _CROP = 40, 200, 128
_TIMED, _TIMED_SIZE, _REPEATS = 8, 160, 2
_VIEWS = (2, 3, 1, 4)  # frontal and half-turned ones, as most photographs
_BANDS = np.geomspace(3, _CROP / 3, 11)  # cycles per crop
_DARK, _BRIGHT = 12, 243

Image = NDArray[np.uint8]


def _everything(share: float) -> Variety:
    return Variety(**dict.fromkeys(OPTIONS, share))


def _crop(image: Image, landmarks: NDArray[np.floating]) -> Image:
    matrix = image_matrix(crop_matrix(crop_boxes(landmarks[None])[0]), _CROP)
    return np.asarray(cv2.warpAffine(image, matrix, (_CROP, _CROP), flags=cv2.INTER_AREA), np.uint8)


def _synthetic(variety: Variety) -> Iterator[Image]:
    population = Population(1, _SIZE, variety=variety)
    for person in range(_FACES):
        face, image = population.photograph(person, _VIEWS[person % len(_VIEWS)])
        yield _crop(image, face.landmarks_image_px())


def _real() -> Iterator[Image]:
    for path in sorted((REAL / "aflw2000").glob("*.jpg")):
        landmarks = read_face_mat(path.with_suffix(".mat")).landmarks_image_px
        if landmarks is not None:
            yield _crop(read_photograph(path), landmarks)


def _statistics(image: Image) -> dict[str, float]:
    """Statistics of one crop."""
    grey = image.mean(axis=2) / 255
    window = np.hanning(_CROP)[:, None] * np.hanning(_CROP)
    amplitude = np.abs(np.fft.fft2((grey - grey.mean()) * window))
    frequency = np.hypot(np.fft.fftfreq(_CROP)[:, None], np.fft.fftfreq(_CROP)) * _CROP
    pairs = list(pairwise(_BANDS))
    means = [amplitude[(frequency >= low) & (frequency < high)].mean() for low, high in pairs]
    steps = np.diff(grey, axis=1).ravel()
    lab = cv2.cvtColor(image, cv2.COLOR_RGB2LAB).astype(np.float32)
    middle = slice(_CROP // 3, -_CROP // 3)
    face = grey[middle, middle]
    return {
        "slope of the amplitude spectrum": float(np.polyfit(np.log([low for low, _ in pairs]), np.log(means), 1)[0]),
        "contrast": float(grey.std() / max(grey.mean(), 0.02)),
        "contrast within the face": float(face.std() / max(face.mean(), 0.02)),
        "brightness": float(grey.mean()),
        "dark share": float((grey < _DARK / 255).mean()),
        "bright share": float((grey > _BRIGHT / 255).mean()),
        "kurtosis of horizontal steps": float(((steps - steps.mean()) ** 4).mean() / (steps.var() ** 2 + 1e-12)),
        "mean absolute step": float(np.abs(steps).mean()),
        "colourfulness": float(np.hypot(lab[..., 1] - 128, lab[..., 2] - 128).mean()),
        "spread of hues": float(np.hypot(lab[..., 1].std(), lab[..., 2].std())),
    }


def _summary(images: Iterator[Image]) -> dict[str, dict[str, float]]:
    """Median and quartiles of each statistic."""
    rows = [_statistics(image) for image in images]
    values = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    parts = ((25, "lower quartile"), (50, "median"), (75, "upper quartile"))
    return {
        name: {part: round(float(np.percentile(of_all, at)), 3) for at, part in parts}
        for name, of_all in values.items()
    }


def _milliseconds(varieties: dict[str, Variety]) -> dict[str, float]:
    """Least processor time per face of several passes, which take turns."""
    populations = {name: Population(0, _TIMED_SIZE, variety=variety) for name, variety in varieties.items()}
    least = dict.fromkeys(populations, np.inf)
    for repeat in range(_REPEATS + 1):  # the first compiles, and fills caches
        for name, population in populations.items():
            start = time.process_time()
            for person in range(_TIMED):
                population.photograph(person, _VIEWS[person % len(_VIEWS)])
            if repeat:
                least[name] = min(least[name], (time.process_time() - start) / _TIMED)
    return {name: round(1000 * seconds, 1) for name, seconds in least.items()}


def _write_sheets(folder: Path) -> None:
    """One sheet per option: rows of default faces, each above the same faces with the option."""
    folder.mkdir(parents=True, exist_ok=True)
    people = range(16)
    for option in OPTIONS:
        rows = []
        for variety in (NO_VARIETY, Variety(**{option: 1.0})):
            population = Population(0, _SIZE, variety=variety)
            images = [population.photograph(person, _VIEWS[person % len(_VIEWS)])[1] for person in people]
            rows.append([np.concatenate(images[:8], axis=1), np.concatenate(images[8:], axis=1)])
        write_jpeg(folder / f"{option}.jpg", np.concatenate([row for pair in zip(*rows, strict=True) for row in pair]))


def main() -> None:
    """Measures, and writes results/appearance.json."""
    cv2.setNumThreads(1)
    if "--sheets" in sys.argv[1:-1]:
        _write_sheets(Path(sys.argv[-1]))
        return
    varieties = {"default": NO_VARIETY} | {f"all options at {share}": _everything(share) for share in _SHARES}
    statistics = {name: _summary(_synthetic(variety)) for name, variety in varieties.items()}
    if REAL.is_dir():
        statistics["real photographs"] = _summary(_real())
    single = {option: Variety(**{option: 1.0}) for option in OPTIONS}
    figures = {
        "faces": _FACES,
        "statistics of crops": statistics,
        "image_size": _TIMED_SIZE,
        "milliseconds a face": _milliseconds(varieties | single),
    }
    save("appearance", "python -m benchmarks.appearance", figures)


if __name__ == "__main__":
    main()
