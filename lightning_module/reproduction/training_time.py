"""How long trainings take on this machine, by a few steps of their network, and how much room their checkpoints take."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import torch
from torch import nn

from lightning_module.configuration.class_arguments import options_of_file
from lightning_module.face_module import FaceModule
from lightning_module.losses import weighted_distance
from lightning_module.project import PROJECT

_STEPS = 3
_IMAGES_ON_CPU = 4  # of a timed step; on a GPU, those of a batch
_NUMBERS = 3  # of Adam for each parameter: its value and two moments
_COPIES = 3  # of a checkpoint: the last, the best, and that in MLflow
_START_SECONDS = 15.0  # of a command, and of the index, the pictures and the tables of a run; on two shared cores
_EVALUATION = 1 / 3  # of a training step's time, for an image that is only shown to the network


@dataclass(frozen=True)
class TrainingCost:
    """What a training takes.

    Attributes:
        image_seconds: Seconds of a training step for each image of its batch.
        device: The device of the step, in words.
        epochs: Epochs of a training.
        validation: Fraction of the samples that validates.
        checkpoint_bytes: Bytes of all checkpoints of a run.
    """

    image_seconds: float
    device: str
    epochs: int
    validation: float
    checkpoint_bytes: int

    def seconds(self, training: int, test: int) -> float:
        """Seconds of a training with its validations and test.

        Args:
            training: Samples to train and validate on.
            test: Samples to test on.
        """
        each_epoch = training * (1 - self.validation * (1 - _EVALUATION))
        return _START_SECONDS + self.image_seconds * each_epoch * self.epochs + self._test_seconds(test)

    def test_seconds(self, test: int) -> float:
        """Seconds of a test of as many samples by a network of another system, which costs as much."""
        return _START_SECONDS + self._test_seconds(test)

    def _test_seconds(self, test: int) -> float:
        return self.image_seconds * test * _EVALUATION


def time_training(config: Path) -> TrainingCost:
    """Times a few steps of a configuration's network on random images; reading and augmenting samples is not in it.

    Args:
        config: Options that differ from conf/default.yaml.
    """
    options = _merged(options_of_file(PROJECT / "conf" / "default.yaml"), options_of_file(config))
    data, spec = options["data"], options["model"]["network"]
    size = int(data["image_size"])
    network = _network(spec["class_path"], spec["init_args"], size)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    batch = int(data["batch_size"]) if device == "cuda" else _IMAGES_ON_CPU
    seconds = _step_seconds(network, size, batch, device)
    numbers = sum(parameter.numel() for parameter in network.parameters())
    words = torch.cuda.get_device_name() if device == "cuda" else f"the CPU, {torch.get_num_threads()} of its threads"
    epochs = int(options["trainer"]["max_epochs"])
    return TrainingCost(seconds / batch, words, epochs, float(data["val_fraction"]), 4 * numbers * _NUMBERS * _COPIES)


def _step_seconds(network: nn.Module, size: int, batch: int, device: str) -> float:
    """Median seconds of a training step."""
    module = FaceModule(network, image_size=size).to(device)
    module.weight_map.fill_(1)
    image, target = torch.rand(batch, 3, size, size, device=device), torch.rand(batch, 3, 256, 256, device=device)
    optimizer = torch.optim.Adam(module.parameters(), 1e-4, fused=True)
    taken = []
    for _ in range(_STEPS + 1):
        start = perf_counter()
        loss = weighted_distance(module(image), 255 * target, module.weight_map)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # of torch
        optimizer.step()
        if device == "cuda":
            torch.cuda.synchronize()
        taken.append(perf_counter() - start)
    return median(taken[1:])  # the first one also allocates


def _network(class_path: str, arguments: Mapping[str, Any], size: int) -> nn.Module:
    module, _, name = class_path.rpartition(".")
    kind = getattr(import_module(module), name)
    own = {"image_size": size} if "image_size" in inspect.signature(kind).parameters else {}
    network: nn.Module = kind(**arguments, **own)
    return network


def _merged(base: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Options of two files, group by group; a network's arguments are those of the later file."""
    both = {name: other.get(name, value) for name, value in base.items()} | dict(other)
    for name in base.keys() & other.keys():
        if isinstance(base[name], dict) and isinstance(other[name], dict):
            both[name] = {**base[name], **other[name]}
    return both
