"""Times the published network on one crop in all export formats, and `predict` on a photograph.

    python -m benchmarks.export [THREADS]

Weights are random, and the batch norms have statistics of real crops. The floor is the time of 8.26 GFLOP at the rate of
a large matrix product on the same machine.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
import skimage.data
import torch
from PIL import Image

from benchmarks.measurements import interleaved_medians, save
from benchmarks.training_step import matmul_gflops
from datamodules.geometry.uv_layout import make_uv_layout
from datamodules.network_input import network_input
from datamodules.synthetic.head_model import synthetic_model
from lightning_module.face_module import FaceModule
from lightning_module.inference.cascade_detector import CascadeDetector
from lightning_module.inference.crop_network import network_of
from lightning_module.inference.export.exported_network import ExportedNetwork
from lightning_module.inference.export.formats import FORMATS
from lightning_module.inference.photo_faces import write_faces
from lightning_module.inference.photo_list import Photo
from lightning_module.inference.reconstructor import Reconstructor
from lightning_module.inference.sample_photo import sample_crops
from lightning_module.networks.hourglass import Hourglass

_REPEATS = 21
_GFLOP = 8.26


def measure(threads: int = 2) -> None:
    """Times all formats, interleaved."""
    torch.set_num_threads(threads)
    crops = network_input(torch.from_numpy(sample_crops(256)))
    module = _network(crops)
    exported = ExportedNetwork(module).eval()
    one, one_last = crops[:1].contiguous(), crops[:1].contiguous(memory_format=torch.channels_last)
    with TemporaryDirectory() as folder, torch.inference_mode():
        runners = {}
        for name, kind in FORMATS.items():
            path = Path(folder) / f"face{kind.ending}"
            with torch.inference_mode(False):
                kind.write(exported, crops[:2].clone(), path)
            runners[name] = kind.read(path)
        apart = {name: _apart(run(crops).position_map, module(crops)) for name, run in runners.items()}
        plain = _network(crops)
        plain.network = plain.network.to(memory_format=torch.contiguous_format)
        contenders = {
            "eager, contiguous": lambda: plain(one),
            "eager, channels_last": lambda: module(one_last),
            "folded, channels_last": lambda: exported(one_last),
            "onnx": lambda: runners["onnx"](one),
            "torchscript": lambda: runners["torchscript"](one_last),
            "pt2": lambda: runners["pt2"](one_last),
        }
        seconds = interleaved_medians(contenders, _REPEATS)
        base = seconds["eager, contiguous"]
        floor = _GFLOP / matmul_gflops("cpu")[torch.float32]
        figures = {
            "threads": threads,
            "ms a crop": {name: round(1e3 * value, 1) for name, value in seconds.items()},
            "times as fast as eager, contiguous": {name: round(base / value, 2) for name, value in seconds.items()},
            "times the floor": {name: round(value / floor, 2) for name, value in seconds.items()},
            "mean px from the checkpoint, 8 real crops": {name: float(f"{value:.2g}") for name, value in apart.items()},
            "one photograph of 512 x 512 to all files, s": _photo_to_files(module, Path(folder)),
        }
    save("export", f"python -m benchmarks.export {threads}", figures)


def _network(crops: torch.Tensor) -> FaceModule:
    torch.manual_seed(0)
    network = Hourglass(norm_momentum=0.5)
    module = FaceModule(network)
    module.adopt_layout(make_uv_layout(synthetic_model().face))
    with torch.no_grad():
        torch.nn.init.uniform_(network.decoder[-1].norm.weight, 0.05, 0.1)  # a linear tail starts from zero
        for _ in range(5):
            network(crops)
    return module.eval().requires_grad_(False)


def _apart(maps: torch.Tensor, expected: torch.Tensor) -> float:
    return float(torch.linalg.vector_norm(maps - expected, dim=1).mean())


def _photo_to_files(module: FaceModule, folder: Path) -> dict[str, float]:
    path = folder / "astronaut.png"
    Image.fromarray(skimage.data.astronaut()).save(path)

    network, detector = network_of(module), CascadeDetector()
    spent: dict[str, list[float]] = {"detection (scikit-image)": [], "network, two passes": [], "all": []}

    def timed(name, function):  # type: ignore[no-untyped-def]
        def call(*arguments):  # type: ignore[no-untyped-def]
            start = perf_counter()
            made = function(*arguments)
            spent[name].append(perf_counter() - start)
            return made

        return call

    network.maps = timed("network, two passes", network.maps)  # type: ignore[method-assign]
    find = timed("detection (scikit-image)", lambda _, image: detector.detect(image))
    reconstructor = Reconstructor(network, detector)
    for _ in range(4):
        start = perf_counter()
        write_faces([Photo(path, "astronaut")], find, reconstructor, "random", folder / "out")
        spent["all"].append(perf_counter() - start)
    spent["network, two passes"] = list(np.reshape(spent["network, two passes"], (-1, 2)).sum(axis=1))
    return {name: round(float(np.median(seconds[1:])), 2) for name, seconds in spent.items()}


if __name__ == "__main__":
    measure(*map(int, sys.argv[1:]))
