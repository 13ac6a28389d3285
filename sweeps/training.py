"""What a sweep asks of a fit, and what it gets back: how fits are run is handed in by run.py."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lightning_module.region_weights import RegionWeights
from sweeps.settings import SweepSettings


@dataclass(frozen=True)
class FitRequest:
    """A fit of a sweep.

    Attributes:
        settings: The sweep.
        weights: The ratio.
        seed: The fit's.
        tags: Of its MLflow run.
        is_tested: Whether it ends with a test.
        on_validation: Takes NME by yaw bin after each validation, and says whether to go on.
    """

    settings: SweepSettings
    weights: RegionWeights
    seed: int
    tags: Mapping[str, str]
    is_tested: bool
    on_validation: Callable[[Mapping[str, float]], bool]

    def arguments(self) -> list[str]:
        """The command line that makes it."""
        weights = {f"model.weights.{name}": value for name, value in self.weights.by_name.items()}
        options: dict[str, float | bool | str | Path] = {
            "config": self.settings.config,
            "seed_everything": self.seed,
            "test_at_end": self.is_tested,
            "tracking.uri": self.settings.tracking_uri,
            "tracking.folder": self.settings.folder,
            "tracking.experiment": self.settings.experiment,
            "tracking.tags": json.dumps(dict(self.tags)),
            "trainer.enable_progress_bar": False,
            "trainer.enable_model_summary": False,
            **weights,
            "model.landmark_radius_texels": self.weights.landmark_radius_texels,
        }
        return ["fit", *(f"--{name}={_said(value)}" for name, value in options.items())]


@dataclass(frozen=True, eq=False)
class TestErrors:
    """Errors of a fit's best network on the test faces.

    Attributes:
        nme: (N,) percent, 68 landmarks in x and y.
        bins: (N,) yaw bin of each face.
        data: Name of the data set.
        fingerprint: Of the faces and their truth: figures of others do not compare.
    """

    nme: NDArray[np.float64]
    bins: NDArray[np.int64]
    data: str
    fingerprint: str


@dataclass(frozen=True, eq=False)
class FitResult:
    """What a fit leaves to a sweep.

    Attributes:
        run: Key of its run.
        is_cut: Whether it was ended before its end.
        data: Fingerprints of what it trained and would test on, by name: "data", "morphable_model", "test_data".
        test: None where it was not tested.
    """

    run: str
    is_cut: bool
    data: Mapping[str, str]
    test: TestErrors | None


Fit = Callable[[FitRequest], FitResult]


def _said(value: float | bool | str | Path) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
