"""Times a training step of the published network: plain PyTorch against the project's settings.

    python -m benchmarks.training_step [BATCH]

Images are random, and the loss is the region-weighted one. The floor is the time of 3 x 8.26 GFLOP per image (forward
and both gradients) at the rate of a large matrix product on the same machine.
"""

import os
import sys
from collections.abc import Callable

os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read by torch when it starts

import torch

from benchmarks.measurements import interleaved_medians, save
from lightning_module.face_module import FaceModule
from lightning_module.losses import weighted_distance
from lightning_module.networks.hourglass import Hourglass

REPEATS = 7
GFLOP = 3 * 8.26


def measure(batch: int = 4) -> None:
    """Times a step with all settings."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    contenders = {
        "contiguous, stock Adam, fp32": _step(device, batch, torch.contiguous_format, False, False),
        "contiguous, fused Adam, fp32": _step(device, batch, torch.contiguous_format, True, False),
        "channels_last, fused Adam, fp32": _step(device, batch, torch.channels_last, True, False),
        "channels_last, fused Adam, fp32, deterministic": _deterministic(
            _step(device, batch, torch.channels_last, True, False)
        ),
        "channels_last, fused Adam, bf16": _step(device, batch, torch.channels_last, True, True),
        "channels_last, fused Adam, bf16, deterministic": _deterministic(
            _step(device, batch, torch.channels_last, True, True)
        ),
    }
    seconds = interleaved_medians(contenders, REPEATS)
    ms = {name: 1e3 * value / batch for name, value in seconds.items()}
    base = ms["contiguous, stock Adam, fp32"]
    peak = matmul_gflops(device)
    floor = {name: 1e3 * GFLOP / peak[torch.bfloat16 if "bf16" in name else torch.float32] for name in ms}
    figures = {
        "batch": batch,
        "device": device,
        "ms an image": {name: round(value, 2) for name, value in ms.items()},
        "times as fast as stock": {name: round(base / value, 2) for name, value in ms.items()},
        "matrix product, GFLOP/s": {str(dtype).removeprefix("torch."): round(value) for dtype, value in peak.items()},
        "times the floor": {name: round(ms[name] / floor[name], 2) for name in ms},
    }
    save(f"training_step_{device}", f"python -m benchmarks.training_step {batch}", figures)


def _step(device: str, batch: int, layout: torch.memory_format, fused: bool, half: bool) -> Callable[[], None]:
    torch.manual_seed(0)
    module = FaceModule(Hourglass()).to(device)
    module.network = module.network.to(memory_format=layout)
    module.weight_map.fill_(1)
    image = torch.rand(batch, 3, 256, 256, device=device).to(memory_format=layout)
    target = torch.rand(batch, 3, 256, 256, device=device) * 256
    optimizer = torch.optim.Adam(module.parameters(), 1e-4, fused=fused)

    def step() -> None:
        with torch.autocast(device, torch.bfloat16, enabled=half):
            predicted = module(image)
        loss = weighted_distance(predicted, target, module.weight_map)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if device == "cuda":
            torch.cuda.synchronize()

    return step


def _deterministic(step: Callable[[], None]) -> Callable[[], None]:
    def run() -> None:
        torch.use_deterministic_algorithms(True)
        try:
            step()
        finally:
            torch.use_deterministic_algorithms(False)

    return run


def matmul_gflops(
    device: str, dtypes: tuple[torch.dtype, ...] = (torch.float32, torch.bfloat16), size: int = 2048
) -> dict[torch.dtype, float]:
    """Rate of a large matrix product, by type."""
    rates = {}
    for dtype in dtypes:
        a = torch.rand(size, size, device=device).to(dtype)

        def product(a: torch.Tensor = a) -> None:
            a @ a
            if device == "cuda":
                torch.cuda.synchronize()

        rates[dtype] = 2 * size**3 / interleaved_medians({"product": product}, 9)["product"] / 1e9
    return rates


if __name__ == "__main__":
    measure(*map(int, sys.argv[1:2]))
