"""Shows that imported weights of PRNet give TensorFlow's maps: on a checkpoint that TensorFlow itself writes.

    python -m benchmarks.prnet_exact INDEX [PYTHON]

The published weights are no part of this project, so TensorFlow builds their network with random numbers, saves a checkpoint
with the published names, and runs it on ten crops. INDEX is the published 256_256_resfcn256_weight.index, whose import is timed
with random numbers. PYTHON is the interpreter of an environment with TensorFlow; without, one is made and thrown away. What
the tests keep of the run is written to tests/fixtures.
"""

import os
import shutil
import subprocess
import sys
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.measurements import save
from benchmarks.prnet_numbers import SAMPLED, joined_statistics, random_crops, statistics_names
from datamodules.errors import InputError
from datamodules.files.crc32c import masked_crc32c
from datamodules.geometry.landmarks import LANDMARKS_68
from datamodules.geometry.uv_layout import make_uv_layout
from datamodules.network_input import network_input
from datamodules.synthetic.head_model import synthetic_model
from lightning_module.checkpoint import load_module
from lightning_module.inference.prnet.import_command import import_prnet
from lightning_module.inference.prnet.prnet_weights import read_prnet

NAME = "256_256_resfcn256_weight"
MOST_PX = 1e-3  # largest distance of a coordinate

_PROJECT = Path(__file__).resolve().parents[1]
_FIXTURES = _PROJECT / "tests" / "fixtures"
_LEAST_SPREAD_PX = 20
# The command, which then prints its peak memory in KiB. The maximum of getrusage would be that of the process that starts it.
_IMPORT = (
    "import sys, run; run.main(sys.argv[1:]); print(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])"
)


def measure(index: Path, python: str | None = None) -> None:
    """Runs TensorFlow, compares the maps, and damages the checkpoint."""
    torch.set_num_threads(1)
    with TemporaryDirectory() as place:
        folder = Path(place)
        _run_tensorflow(folder, python or _new_environment(folder / "venv"))
        with np.load(folder / "maps.npz") as archive:
            maps, version = archive["maps"], str(archive["version"])
            statistics = joined_statistics({name: archive[name] for name in statistics_names()})
        masked_crc32c(bytes(8))  # compiled once for all
        start = perf_counter()
        checkpoint = import_prnet(folder / NAME, _uv_data(folder), folder / "prnet.ckpt")
        seconds = perf_counter() - start
        images = network_input(torch.from_numpy(random_crops()))
        module = load_module(checkpoint)
        apart = _largest(torch.cat([module.position_maps(image[None]) for image in images]), maps)
        figures = {
            "tensorflow": version,
            "crops": len(maps),
            "spread within a crop, px": round(float(maps.std(axis=(1, 2)).min()), 1),
            "spread between crops, px": round(float(maps.std(axis=0).mean(axis=(0, 1)).min()), 1),
            "largest distance of a coordinate, px": round(apart, 6),
            "swapped pairs of tensors": _swapped(module, images[:1], maps[:1]),
            "import, seconds": round(seconds, 1),
            "errors": _errors(folder),
            "published index, random numbers": _unverified(folder, index),
        }
        spread = min(figures["spread within a crop, px"], figures["spread between crops, px"])
        if apart > MOST_PX or spread < _LEAST_SPREAD_PX:
            raise SystemExit(f"the maps are {apart:.2g} px apart, and vary by {spread:.3g} px")
        sampled = maps[:, SAMPLED, SAMPLED]
        np.savez_compressed(_FIXTURES / "prnet_maps.npz", maps=sampled, statistics=statistics)
        for ending in (".index", ".data-00000-of-00001"):
            shutil.copyfile(folder / f"small_checkpoint{ending}", _FIXTURES / f"tensorflow_checkpoint{ending}")
    save("prnet_exact", f"python -m benchmarks.prnet_exact {index.name}", figures)


def _new_environment(folder: Path) -> str:
    """The interpreter of a new environment with TensorFlow."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = str(folder / "bin" / "python")
    subprocess.run([python, "-m", "pip", "install", "--quiet", "tensorflow-cpu"], check=True)
    return python


def _run_tensorflow(folder: Path, python: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(_PROJECT), "TF_ENABLE_ONEDNN_OPTS": "0"}
    subprocess.run([python, "-m", "benchmarks.prnet_tensorflow", folder], env=environment, cwd=_PROJECT, check=True)


def _uv_data(folder: Path) -> Path:
    """A folder with the landmarks of the synthetic faces, since PRNet's belong to its authors."""
    rows, columns = make_uv_layout(synthetic_model().face).landmark_texels[:LANDMARKS_68].T
    np.savetxt(folder / "uv_kpt_ind.txt", [columns, rows], fmt="%d")
    return folder


def _largest(maps: Tensor, expected: Any) -> float:
    """Largest distance of a coordinate between (N, 3, 256, 256) maps and (N, 256, 256, 3) expected ones."""
    return float(np.abs(maps.permute(0, 2, 3, 1).numpy() - expected).max())


def _swapped(module: Any, image: Tensor, expected: Any) -> dict[str, Any]:
    """Swaps tensors of one shape, pair by pair; each must move the maps far."""
    state = module.network.state_dict()
    by_shape = defaultdict(list)
    for name, tensor in state.items():
        if tensor.dim():  # not the counters of batch norms
            by_shape[tuple(tensor.shape)].append(name)
    pairs = [pair for names in by_shape.values() for pair in pairwise(names)]
    moved = []
    for one, other in pairs:
        before = state[one].clone()
        state[one].copy_(state[other])
        state[other].copy_(before)
        moved.append(_largest(module.position_maps(image), expected))
        state[other].copy_(state[one])
        state[one].copy_(before)
    numbers = [apart for apart in moved if np.isfinite(apart)]  # not where a mean takes the place of a variance
    least = min(numbers)
    if _largest(module.position_maps(image), expected) > MOST_PX:
        raise SystemExit("not all tensors are back in their places")
    if least < 10 * MOST_PX:
        raise SystemExit(f"swapping {pairs[moved.index(least)]} moves the maps by {least:.2g} px only")
    return {
        "pairs": len(pairs),
        "of these with maps that are no numbers": len(pairs) - len(numbers),
        "smallest of the largest distances, px": round(least, 3),
    }


def _errors(folder: Path) -> dict[str, str]:
    """The line about each kind of damage, with the name of the file alone."""
    data = folder / f"{NAME}.data-00000-of-00001"
    whole = data.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 4
    lines = {}
    other = folder / "other"
    other.mkdir()
    index = (folder / f"{NAME}.index").read_bytes()
    small = [(folder / f"small_checkpoint{ending}").read_bytes() for ending in (".index", ".data-00000-of-00001")]
    for fault, contents in (
        ("a flipped byte", (index, bytes(flipped))),
        ("a truncated file", (index, whole[: len(whole) // 3])),
        ("an index of another network", (small[0], whole)),
        ("a flipped byte of the index", (index[:100] + bytes([index[100] ^ 1]) + index[101:], whole)),
    ):
        (other / f"{NAME}.index").write_bytes(contents[0])
        (other / data.name).write_bytes(contents[1])
        try:
            read_prnet(other / NAME)
        except InputError as error:
            lines[fault] = str(error).replace(f"{other}/", "")
        else:
            raise SystemExit(f"{fault} is not noticed")
    return lines


def _unverified(folder: Path, index: Path) -> dict[str, Any]:
    """Time and memory of `import-prnet --verify false` on the published index with a data file of random numbers."""
    shutil.copyfile(index, folder / f"{NAME}.index")
    data = folder / f"{NAME}.data-00000-of-00001"
    numbers = np.random.default_rng(0).standard_normal(data.stat().st_size // 4, np.float32)
    np.abs(numbers).tofile(data)
    options = ["--weights", str(folder / NAME), "--uv_data", str(folder), "--out", str(folder / "random.ckpt")]
    start = perf_counter()
    command = [sys.executable, "-c", _IMPORT, "import-prnet", *options, "--verify", "false"]
    printed = subprocess.run(command, cwd=_PROJECT, check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout
    most = int(printed.split()[-1]) // 1000
    return {
        "seconds of the command": round(perf_counter() - start, 1),
        "peak memory, MB": most,
        "bytes of the data file": data.stat().st_size,
    }


if __name__ == "__main__":
    measure(Path(sys.argv[1]), *sys.argv[2:])
