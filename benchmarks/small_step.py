"""Times a training step of the default network against that of the former default, conf/small_hourglass.yaml.

    python -m benchmarks.small_step

Images and maps are random; a batch has 32 images of 64 x 64 pixels. The floor is the time of a network's arithmetic,
forward and both gradients, at the rate of a large matrix product on the same machine.
"""

from collections.abc import Callable

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.measurements import interleaved_medians, save
from benchmarks.training_step import matmul_gflops
from lightning_module.losses import weighted_distance
from lightning_module.networks.compact import CompactNetwork
from lightning_module.networks.hourglass import Hourglass

BATCH, IMAGE_SIZE, MAP_SIZE = 32, 64, 32
REPEATS = 9
_STEPS = 8  # in a repeat
_PASSES = 3  # forward, and gradients of activations and of weights


def measure() -> None:
    """Times both on one thread and on all."""
    networks: dict[str, nn.Module] = {
        "small_hourglass": Hourglass(8, IMAGE_SIZE, MAP_SIZE, norm_momentum=0.1, pairs=3, bypass_rank=64),
        "default": CompactNetwork(image_size=IMAGE_SIZE, map_size=MAP_SIZE),
    }
    figures = {}
    threads = torch.get_num_threads()
    for count in sorted({1, threads}):
        torch.set_num_threads(count)
        seconds = interleaved_medians({name: _steps(network) for name, network in networks.items()}, REPEATS)
        peak = matmul_gflops("cpu", (torch.float32,))[torch.float32]
        for name, network in networks.items():
            ms = 1e3 * seconds[name] / (_STEPS * BATCH)
            floor = _PASSES * _gflop(network) / peak * 1e3
            figures[f"{name}, {count} thread{'s' * (count > 1)}"] = {
                "MFLOP an image, forward": round(1e3 * _gflop(network), 1),
                "ms an image": round(ms, 3),
                "times the floor": round(ms / floor, 2),
                "time / that of small_hourglass": round(seconds[name] / seconds["small_hourglass"], 3),
            }
    save("small_step", "python -m benchmarks.small_step", figures)


def _steps(network: nn.Module) -> Callable[[], None]:
    network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.Adam(network.parameters(), 1e-3, fused=True)
    images = torch.rand(BATCH, 3, IMAGE_SIZE, IMAGE_SIZE).contiguous(memory_format=torch.channels_last)
    maps, weights = torch.rand(BATCH, 3, MAP_SIZE, MAP_SIZE), torch.ones(MAP_SIZE, MAP_SIZE)

    def steps() -> None:
        for _ in range(_STEPS):
            optimizer.zero_grad(set_to_none=True)
            weighted_distance(network(images), maps, weights, "l2").backward()  # type: ignore[no-untyped-call]
            optimizer.step()

    return steps


def _gflop(network: nn.Module) -> float:
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, 3, IMAGE_SIZE, IMAGE_SIZE))
    return counter.get_total_flops() / 1e9


if __name__ == "__main__":
    measure()
