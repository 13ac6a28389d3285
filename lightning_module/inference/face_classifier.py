"""A small network that tells frontal views of faces from those of anything else."""

from functools import lru_cache
from importlib.resources import files
from io import BytesIO

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

WEIGHTS = "face_classifier.npz"  # made by benchmarks/face_classifier_training.py, from formulas alone
_CHANNELS = (16, 24, 32)


class FaceClassifier(nn.Module):
    """Three strided convolutions and a linear layer; 11 241 parameters.

    It sees views of 32 x 32 pixels, on which the eyes, the nose and the mouth of a face have their places.
    """

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for narrow, wide in zip((2, *_CHANNELS), _CHANNELS, strict=False):
            layers += [nn.Conv2d(narrow, wide, 3, 2, 1), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.Flatten(), nn.Dropout(0.3), nn.Linear(_CHANNELS[-1] * 4 * 4, 1))

    def forward(self, views: Tensor) -> Tensor:
        """(N,) log odds of a face, from (N, 2, 32, 32) views."""
        odds: Tensor = self.layers(views)[:, 0]
        return odds


@lru_cache(maxsize=1)
def trained_classifier() -> FaceClassifier:
    """The classifier that comes with the project, on the CPU."""
    classifier = FaceClassifier()
    data = (files("lightning_module.inference") / WEIGHTS).read_bytes()
    with np.load(BytesIO(data), allow_pickle=False) as weights:
        classifier.load_state_dict({name: torch.from_numpy(weights[name].astype(np.float32)) for name in weights})
    return classifier.eval().requires_grad_(False)


def face_log_odds(views: NDArray[np.float32]) -> NDArray[np.float64]:
    """(N,) log odds of a face, from (N, 2, 32, 32) views."""
    with torch.inference_mode():
        return np.asarray(trained_classifier()(torch.from_numpy(views)).numpy(), np.float64)
