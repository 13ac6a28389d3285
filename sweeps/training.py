"""Runs one training of a sweep as a `fit` command, and extracts its result."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datamodules.errors import InputError
from lightning_module.evaluation.nme import YAW_BINS, NMEReport, yaw_bin
from lightning_module.region_weights import RegionWeights
from sweeps.settings import SweepSettings

DECIMALS = 4  # of errors in percent in the database


@dataclass(frozen=True)
class TrainingRequest:
    """A training of a sweep.

    Attributes:
        settings: The sweep.
        weights: Region weights of the training.
        seed: Seed of the training.
        tags: Tags of its MLflow run.
        is_tested: Whether it ends with a test.
        on_validation: Called after each validation with, for each protocol, the mean error by yaw bin in percent;
            returns whether the training continues.
        branch_from: Checkpoint of the training that it continues with its own weights; None starts a new one.
        keep_epochs: Epochs, counted from 1, whose checkpoints are kept.
        epochs: Its length; None for that of the configuration.
    """

    settings: SweepSettings
    weights: RegionWeights
    seed: int
    tags: Mapping[str, str]
    is_tested: bool
    on_validation: Callable[[Mapping[str, Mapping[str, float]]], bool]
    branch_from: Path | None = None
    keep_epochs: tuple[int, ...] = ()
    epochs: int | None = None

    def arguments(self) -> list[str]:
        """The command line of the training."""
        weights = {f"model.weights.{name}": value for name, value in self.weights.by_name.items()}
        options: dict[str, object] = {
            "config": self.settings.config,
            "seed_everything": self.seed,
            "score": self.settings.score,
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
        if self.branch_from is not None:
            options |= {"branch_from": self.branch_from, "init_from": "null"}  # the trunk has started there
        if self.epochs is not None:
            options["trainer.max_epochs"] = self.epochs
        if self.keep_epochs:
            options["tracking.keep_epochs"] = list(self.keep_epochs)
        return ["fit", *(f"--{name}={_as_text(value)}" for name, value in options.items())]


@dataclass(frozen=True, eq=False)
class MeasuredErrors:
    """Test errors of the best network of a training.

    Attributes:
        errors: (N,) percent, under the protocol of the sweep's score.
        bins: (N,) index in `YAW_BINS` of each face's bin.
        dataset: Name of the data set.
        fingerprint: Fingerprint of the faces and their ground truth; others are not comparable.
    """

    errors: NDArray[np.float64]
    bins: NDArray[np.int64]
    dataset: str
    fingerprint: str

    @classmethod
    def of(cls, report: NMEReport, dataset: str, fingerprint: str) -> "MeasuredErrors":
        """The errors of a report."""
        return cls(report.per_face.double().numpy(), yaw_bin(report.yaw_deg).numpy(), dataset, fingerprint)

    @property
    def by_bin(self) -> dict[str, float]:
        """Mean error of each yaw bin that has faces."""
        names = list(YAW_BINS)
        return {names[place]: float(self.errors[self.bins == place].mean()) for place in np.unique(self.bins)}

    def as_attribute(self) -> dict[str, Any]:
        """Plain data for a trial's attributes; errors are rounded."""
        return {
            "nme": self.errors.round(DECIMALS).tolist(),
            "bins": self.bins.tolist(),
            "data": self.dataset,
            "fingerprint": self.fingerprint,
        }

    @classmethod
    def from_attribute(cls, stored: Mapping[str, Any]) -> "MeasuredErrors":
        """The errors from plain data of `as_attribute`."""
        return cls(np.array(stored["nme"]), np.array(stored["bins"]), stored["data"], stored["fingerprint"])


@dataclass(frozen=True, eq=False)
class TrainingResult:
    """The result of a training.

    Attributes:
        run: Key of its run.
        is_pruned: Whether the sweep ended it early.
        fingerprints: Fingerprints of its data and face model, by name: "data", "morphable_model", "test_data".
        test: Test errors, or None if it was not tested.
        epochs: Number of epochs that it trained.
    """

    run: str
    is_pruned: bool
    fingerprints: Mapping[str, str]
    test: MeasuredErrors | None
    epochs: int = 0


Train = Callable[[TrainingRequest], TrainingResult]


def train(request: TrainingRequest) -> TrainingResult:
    """Trains a ratio with the command line's own `fit`, so that each trial is a run that can be repeated by hand.

    Raises:
        InputError: If the configuration turns tracking off.
    """
    from lightning_module.cli import run_cli
    from sweeps.validation_listener import ValidationListener

    settings = request.settings
    listener = ValidationListener(request.on_validation)
    result = run_cli(request.arguments(), [listener])
    if result.folder is None:
        raise InputError(f"{settings.config}: turns tracking off (trainer.logger or fast_dev_run); a sweep needs it.")
    test = None
    if "test" in result.reports:
        report = result.reports["test"].get(settings.score.protocol)
        if report is None:
            measured = ", ".join(result.reports["test"])
            raise InputError(
                f"--score {settings.score}: the test of {settings.config} does not measure {settings.score.protocol}. "
                f"Give one of {measured}."
            )
        test = MeasuredErrors.of(report, result.datasets["test"], result.fingerprints["test_data"])
    return TrainingResult(result.folder.key, listener.has_ended, result.fingerprints, test, listener.epochs)


def _as_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
