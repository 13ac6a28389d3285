"""Measures which faces are found with the offline detector, beside the detector alone as it was before.

    python -m benchmarks.face_finding REAL/aflw2000 REAL/bfm/BFM.mat CKPT WORK [CONTENDER]

REAL/300wlp is read too. WORK is a file that keeps what was found in each picture, so that the benchmark can be stopped
and goes on where it was, also for one of the contenders, "before", "now" or "now, from 0.2"; remove it to start again. A
face is found if the centre of its crop is within a quarter of the true crop's side, and its side within a factor of 1.5.
Seconds are those of one core of the processor.
"""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from time import process_time
from typing import Any

import cv2
import numpy as np
import skimage.data
import torch
from numpy.typing import NDArray

from benchmarks.default_fit import FACES
from benchmarks.face_scenes import (
    Image,
    Scene,
    clutter,
    collage,
    face_part,
    is_found,
    photographs,
    shuffled,
    small_picture,
)
from benchmarks.measurements import save
from datamodules.face_datamodule import FaceDataModule
from datamodules.face_model import FaceModelOptions
from datamodules.files.images import read_image
from lightning_module.inference.cascade_detector import CascadeDetector
from lightning_module.inference.crop_maps import crop_maps, recropped
from lightning_module.inference.crop_network import CropNetwork, load_network
from lightning_module.inference.face_check import CONFIRMED, FaceCheck
from lightning_module.inference.face_finder import FaceFinder
from lightning_module.pretrained_network import network_path

_COLLAGES = 12
_SHAPES = ((480, 640), (600, 800), (500, 500))
_SIDES_PX = (80.0, 280.0)
_FACELESS = 50
_WITHOUT_FACES = (
    "brick",
    "cell",
    "chelsea",
    "clock",
    "coffee",
    "coins",
    "grass",
    "gravel",
    "horse",
    "hubble_deep_field",
    "immunohistochemistry",
    "logo",
    "moon",
    "page",
    "retina",
    "rocket",
    "text",
)  # the pictures of skimage.data that come with it, but for those that show a person
_EVERY = 50  # of the default faces, of which parts are shown
_LEAST_CONFIDENCE = 0.2  # of another search, so that figures can be given for several confidences
_FROM_LOW = "now, from 0.2"
_KINDS = ("photograph", "collage", "faceless")
_AT = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)

_CARTOONS = ("AFW_1051618982_1_0", "AFW_56054945_1_0")  # photographs of 300W-LP with a cartoon pasted over the face

Find = Callable[[Image], NDArray[np.float64]]  # (N, 4) crops and confidences


def measure(root: Path, model: Path, checkpoint: Path, work: Path, *only: Path) -> None:
    """Finds the faces of all pictures, and saves how many of them are right."""
    torch.set_num_threads(1)
    work.parent.mkdir(parents=True, exist_ok=True)
    network = load_network(network_path(checkpoint)).of_single_crops()
    detector = CascadeDetector()
    contenders = {
        "before": _before(detector, network),
        "now": _now(detector, network, CONFIRMED),
        _FROM_LOW: _now(detector, network, _LEAST_CONFIDENCE),
    }
    done = (
        {tuple(row["key"]): row for row in map(json.loads, work.read_text(encoding="utf-8").splitlines())}
        if work.exists()
        else {}
    )
    for name, scene, cartoons in _pictures(root, model):
        for contender, find in contenders.items():
            if (contender, name) in done or (only and contender not in map(str, only)):
                continue
            start = process_time()
            found = find(scene.image)
            row = {"key": (contender, name), "seconds": process_time() - start, **_judged(found, scene.crops, cartoons)}
            done[contender, name] = row
            with work.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
    figures: dict[str, Any] = {"min_confidence": CONFIRMED}
    for contender in contenders:
        rows = {name: row for (by, name), row in done.items() if by == contender}
        kinds = {kind: [row for name, row in rows.items() if name.startswith(kind)] for kind in _KINDS}
        if contender != _FROM_LOW:
            figures[contender] = {kind: _summary(some, CONFIRMED) for kind, some in kinds.items()}
            figures[contender]["all"] = _summary(list(rows.values()), CONFIRMED)
        else:
            figures["found, cartoons found, faces, wrong at a confidence"] = {
                least: [
                    _summary(list(rows.values()), least)[name] for name in ("found", "cartoons found", "faces", "wrong")
                ]
                for least in _AT
            }
    figures["stages of the confirmed search on one photograph, s"] = _stages(
        detector, network, skimage.data.astronaut()
    )
    save("face_finding", "python -m benchmarks.face_finding REAL/aflw2000 REAL/bfm/BFM.mat CKPT WORK", figures)


def _judged(found: NDArray[np.float64], true: NDArray[np.float64], cartoons: list[int]) -> dict[str, Any]:
    """How many of the true faces were found, and what was reported; a face that is found twice is wrong once."""
    right: dict[int, int] = {}
    left = list(range(len(true)))
    for place, crop in enumerate(found):
        match = next((number for number in left if is_found(crop, true[number])), None)
        if match is not None:
            left.remove(match)
            right[place] = match
    sure = found[:, 3].round(3).tolist()
    return {
        "faces": len(true),
        "cartoons": len(cartoons),
        "confidences": [[sure[place], place in right, right.get(place) in cartoons] for place in range(len(found))],
        "missed": left,
    }


def _summary(rows: list[dict[str, Any]], least: float) -> dict[str, Any]:
    kept = [each for row in rows for each in row["confidences"] if each[0] >= least]
    sure = [right for _, right, _ in kept]
    return {
        "pictures": len(rows),
        "faces": sum(row["faces"] for row in rows),
        "found": sum(sure),
        "cartoons among the faces": sum(row["cartoons"] for row in rows),
        "cartoons found": sum(is_cartoon for *_, is_cartoon in kept),
        "reported": len(sure),
        "wrong": len(sure) - sum(sure),
        "seconds per picture, median": round(float(np.median([row["seconds"] for row in rows])), 2) if rows else None,
    }


def _before(detector: CascadeDetector, network: CropNetwork) -> Find:
    def find(image: Image) -> NDArray[np.float64]:
        crops = np.array([face.crop for face in detector.detect(image) if face.fits(image)]).reshape(-1, 3)
        if len(crops):
            crops, _ = recropped(crops, crop_maps(network, image, crops), network.layout)
        return np.column_stack([crops, np.ones(len(crops))])

    return find


def _now(detector: CascadeDetector, network: CropNetwork, least: float) -> Find:
    finder = FaceFinder(detector, FaceCheck(network), least)

    def find(image: Image) -> NDArray[np.float64]:
        return np.array([[*face.crop, face.confidence] for face in finder.find(image)]).reshape(-1, 4)

    return find


def _stages(detector: CascadeDetector, network: CropNetwork, image: Image) -> dict[str, float]:
    """Seconds of the candidates, of the network, and of all the rest of a search."""
    spent = {"candidates": 0.0, "network": 0.0}

    def timed(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            start = process_time()
            result = function(*arguments)
            spent[name] += process_time() - start
            return result

        return call

    maps, candidates = network.maps, detector.candidates
    network.maps = timed("network", maps)  # type: ignore[method-assign]
    detector.candidates = timed("candidates", candidates)  # type: ignore[method-assign]
    start = process_time()
    _now(detector, network, CONFIRMED)(image)
    total = process_time() - start
    network.maps, detector.candidates = maps, candidates  # type: ignore[method-assign]
    start = process_time()
    detector.detect(image)
    before = process_time() - start
    spent |= {"checks and the rest": total - sum(spent.values()), "all": total, "detector alone, before": before}
    return {name: round(seconds, 2) for name, seconds in spent.items()}


def _pictures(root: Path, model: Path) -> Iterator[tuple[str, Scene, list[int]]]:
    """Names, pictures, and which of their faces are cartoons."""
    singles = list(_photographs(root, model))
    for name, image, crop in singles:
        yield f"photograph {name}", Scene(image, crop[None]), [0] if name in _CARTOONS else []
    for number in range(_COLLAGES):
        rng = np.random.default_rng([1, number])
        chosen = rng.choice(len(singles), int(rng.integers(2, 7)), replace=False)
        faces = [singles[place][1:] for place in chosen]
        scene = collage(faces, _SHAPES[number % len(_SHAPES)], _SIDES_PX, rng)
        names = [singles[chosen[place]][0] for place in scene.places]
        yield f"collage {number}", scene, [place for place, name in enumerate(names) if name in _CARTOONS]
    for number, image in enumerate(_faceless()):
        yield f"faceless {number}", Scene(image, np.empty((0, 3))), []


def _photographs(root: Path, model: Path) -> Iterator[tuple[str, Image, NDArray[np.float64]]]:
    for folder in (root, root.with_name("300wlp")):
        data = FaceDataModule(folder, face_model=FaceModelOptions(model), num_workers=0)
        data.prepare_data()
        faces = data.plain_faces()
        for place in range(len(faces)):
            record = faces.index.record(int(faces.rows[place]))
            yield record.key, read_image(record.image_path), faces.box(place)


def _faceless() -> Iterator[Image]:
    """Fifty pictures: photographs and drawings of scikit-image, clutter, and parts and shuffled pieces of faces."""
    for name in _WITHOUT_FACES:
        yield small_picture(np.asarray(getattr(skimage.data, name)()))
    faces = list(photographs(FACES, _EVERY))
    rng = np.random.default_rng(2)
    for number in range(_FACELESS - len(_WITHOUT_FACES)):
        if number % 3:
            yield clutter((240, 300), rng)
            continue
        image, crop = faces[int(rng.integers(len(faces)))]
        if number % 2:
            yield cv2.resize(shuffled(image, rng), (300, 300), interpolation=cv2.INTER_CUBIC).astype(np.uint8)
        else:
            yield face_part(image, crop, rng)


if __name__ == "__main__":
    measure(*map(Path, sys.argv[1:]))
