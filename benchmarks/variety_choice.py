"""Which options of synthetic faces, of augmentation and of training help on real photographs.

    python -m benchmarks.variety_choice REAL [NAME ...]

Networks of the default fit are trained from three seeds with groups of options, or with those that are named, which may
be single options. They are tested on
the default's synthetic test faces and on photographs: the three of REAL/300wlp and those of odd rank in REAL/aflw2000, each
in 20 crops with random shifts, scales and rotations. Those of even rank are not read. Two of the three from 300W-LP have a
cartoon pasted over the face; their errors stand apart. Each training is a line of
benchmarks/results/variety_trainings.jsonl, from which this goes on.
"""

import fcntl
import json
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.measurements import RESULTS, save
from datamodules.crop_table import make_crops
from datamodules.face_landmarks import landmarks_image_px as true_landmarks
from datamodules.files.bfm import read_morphable_model
from datamodules.geometry.crop import CropJitter
from datamodules.geometry.landmark_model import LandmarkModel
from datamodules.readers.face_index import FaceIndex, open_index
from datamodules.readers.index_options import IndexOptions
from datamodules.readers.reader_300w import Reader300W
from lightning_module.averaged_maps import NO_AVERAGES, Averages
from lightning_module.evaluation.nme import landmark_nme
from lightning_module.inference.crop_maps import crop_maps, landmarks_image_px
from lightning_module.inference.crop_network import CropNetwork, load_network

LEDGER = RESULTS / "variety_trainings.jsonl"
SEEDS = (0, 1, 2)
CROPS = 20
MASKED = ("300wlp 1", "300wlp 2")  # photographs with a cartoon over the face
_ROTATION_RAD, _SCALE, _SHIFT = np.radians(10.0), 1.15, 0.06
_SHARES: dict[str, float | bool] = {
    "proportions": True,
    "children": 0.15,
    "elderly": 0.15,
    "expressions": 0.4,
    "wide_poses": 0.5,
    "scenery": 0.8,
    "harsh_light": 0.4,
    "cast_shadows": 0.4,
    "white_balance": 0.4,
    "blur": 0.3,
    "low_resolution": 0.3,
    "grain": 0.4,
    "compression": 0.4,
    "loose_hair": 0.3,
    "beards": 0.5,
    "hats": 0.2,
    "glasses": 0.25,
    "make_up": 0.4,
    "skin_detail": 0.5,
    "occlusion": 0.2,
    "borders": 0.15,
}
_PEOPLE = ("proportions", "children", "elderly", "expressions", "wide_poses")
_CAMERA = ("white_balance", "blur", "low_resolution", "grain", "compression", "borders")
_JITTER = "{rotation_deg: 12, scale: [0.8, 1.25], shift: 0.1, colour_gain: [0.7, 1.3], erase_probability: 0.2}"
_QUALITY: dict[str, Any] = {
    "tone": [0.5, 2.0],
    "contrast": [0.5, 1.5],
    "grey_probability": 0.2,
    "blur_probability": 0.2,
    "noise_probability": 0.3,
}


def variety(*names: str) -> tuple[str, ...]:
    """The options of the command that turn kinds of variety on."""
    return tuple(f"--data.synthetic.variety.{name}={json.dumps(_SHARES[name])}" for name in names)


CONTENDERS: dict[str, tuple[str, ...]] = {
    "default": (),
    **{name: variety(name) for name in _SHARES},
    "all": variety(*_SHARES),
    "all of the people": variety(*_PEOPLE),
    "all of the camera": variety(*_CAMERA),
    "all of the appearance": variety(*(name for name in _SHARES if name not in (*_PEOPLE, *_CAMERA))),
    "image quality": tuple(f"--data.augmentation.{name}={json.dumps(value)}" for name, value in _QUALITY.items()),
    "wider augmentation": (f"--data.augmentation={_JITTER}",),
    "all, wider augmentation": (*variety(*_SHARES), f"--data.augmentation={_JITTER}"),
}
GROUPS = ("default", "proportions", *(name for name in CONTENDERS if name not in ("default", *_SHARES)))
AVERAGED = ("default", "all, wider augmentation")  # are tested with averages too
AVERAGES = {
    "": NO_AVERAGES,
    ", mirror images averaged": Averages(mirror=True),
    ", five crops averaged": Averages(crops=True),
    ", both averaged": Averages(mirror=True, crops=True),
}


def measure(real: Path, names: list[str]) -> None:
    """Trains what is missing, and saves means and deviations over seeds."""
    os.environ["OMP_NUM_THREADS"] = "1"  # of the processes that are started
    done = {(row["contender"], row["seed"]) for row in _rows()}
    missing = [(name, seed) for seed, name in product(SEEDS, names) if (name, seed) not in done]
    with ProcessPoolExecutor(2, get_context("spawn"), max_tasks_per_child=1) as pool:
        list(pool.map(_measure_one, missing, [real] * len(missing)))
    save("variety_choice", "python -m benchmarks.variety_choice REAL", _figures())


def _measure_one(job: tuple[str, int], real: Path) -> None:
    import run  # in the process that trains, after its number of threads is set

    name, seed = job
    quiet = ["--trainer.enable_progress_bar=false"]
    with TemporaryDirectory() as folder:
        arguments = [f"--seed_everything={seed}", f"--tracking.folder={folder}", "--test_at_end=false", *quiet]
        fitted = run.main(["fit", *arguments, "--trainer.enable_model_summary=false", *CONTENDERS[name]])
        checkpoint = fitted.folder.last_checkpoint
        rows = []
        for suffix, averages in AVERAGES.items() if name in AVERAGED else [("", NO_AVERAGES)]:
            options = [f"--model.mirror_average={averages.mirror}", f"--model.crop_average={averages.crops}", *quiet]
            tested = run.main(["test", f"--ckpt_path={checkpoint}", f"--tracking.folder={folder}", *options])
            row = {
                "contender": f"{name}{suffix}",
                "seed": seed,
                "default test faces": round(float(tested.reports["test"]["nme"].mean_of_bins), 3),
                "photographs": _photographs(load_network(checkpoint, *averages), real, Path(folder)),
            }
            rows.append(json.dumps(row) + "\n")
    with LEDGER.open("a", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.writelines(rows)


def _photographs(network: CropNetwork, real: Path, cache: Path) -> dict[str, float]:
    """NME % of the 68 landmarks of each photograph, mean of its crops, by rank and folder."""
    model = read_morphable_model(real / "bfm" / "BFM.mat")
    landmark_model = LandmarkModel(model)
    errors = {}
    for index, row, name in _chosen(real, cache):
        box = make_crops(index, model).boxes[row]
        truth = torch.from_numpy(true_landmarks(index.record(row), landmark_model)[None].astype(np.float32))
        jitters = _jitters(np.random.default_rng(row))
        crops = np.repeat(box[None], CROPS, axis=0)
        maps = crop_maps(network, index.image(row), crops, jitters)
        points = landmarks_image_px(maps, crops, network.layout.landmark_texels, jitters)
        nme = landmark_nme(torch.from_numpy(points.astype(np.float32)), truth.expand(CROPS, -1, -1))
        errors[name] = round(float(nme.mean()), 3)
    return errors


def _chosen(real: Path, cache: Path) -> Iterator[tuple[FaceIndex, int, str]]:
    for folder, step in (("300wlp", 1), ("aflw2000", 2)):
        index = open_index(real / folder, Reader300W(), IndexOptions(cache_dir=cache / folder))
        for row in range(0, len(index), step):
            yield index, row, f"{folder} {row + 1}"


def _jitters(rng: np.random.Generator) -> list[CropJitter]:
    return [
        CropJitter(
            float(rng.uniform(-_ROTATION_RAD, _ROTATION_RAD)),
            float(np.exp(rng.uniform(-np.log(_SCALE), np.log(_SCALE)))),
            (float(rng.uniform(-_SHIFT, _SHIFT)), float(rng.uniform(-_SHIFT, _SHIFT))),
        )
        for _ in range(CROPS)
    ]


def _rows() -> list[dict[str, Any]]:
    lines = LEDGER.read_text(encoding="utf-8").splitlines() if LEDGER.is_file() else []
    return [json.loads(line) for line in lines]


def _figures() -> dict[str, dict[str, Any]]:
    """Mean and standard deviation over seeds, by contender."""

    def described(values: list[float]) -> dict[str, float]:
        array: NDArray[np.float64] = np.array(values)
        deviation = float(array.std(ddof=1)) if len(array) > 1 else float("nan")
        return {"mean": round(float(array.mean()), 2), "deviation": round(deviation, 2)}

    def of_photographs(row: dict[str, Any], masked: bool) -> float:
        return float(np.mean([error for name, error in row["photographs"].items() if (name in MASKED) == masked]))

    rows = _rows()
    return {
        name: {
            "seeds": len(own),
            "photographs": described([of_photographs(row, masked=False) for row in own]),
            "cartoons": described([of_photographs(row, masked=True) for row in own]),
            "default test faces": described([row["default test faces"] for row in own]),
        }
        for name in dict.fromkeys(row["contender"] for row in rows)
        if (own := [row for row in rows if row["contender"] == name])
    }


if __name__ == "__main__":
    measure(Path(sys.argv[1]), sys.argv[2:] or list(GROUPS))
