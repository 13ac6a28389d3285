"""Where runs are kept: the options of the command line, and the place that they name."""

import os
import shlex
from dataclasses import dataclass
from pathlib import Path

from datamodules.addresses import sqlite_address, without_credentials
from datamodules.errors import InputError
from lightning_module.project import PROJECT
from lightning_module.tracking.moved_runs import DATABASE, RUNS


@dataclass(frozen=True)
class TrackingOptions:
    """Where runs are kept.

    Args:
        uri: MLflow's tracking store, such as http://127.0.0.1:5000. By default MLFLOW_TRACKING_URI, else the file
            mlflow.db below `folder`.
        experiment: Name of the MLflow experiment.
        run_name: Name of the run; by default the region weights and the seed, as in "16-5-4-3-0 s0".
        folder: Folder of the run folders and, by default, of MLflow's own files; by default mlruns/ of the project.
        tags: Tags of the run in addition to those that every run has.
        checkpoint_seconds: Minimum number of seconds between two writes of last.ckpt.
        keep_epochs: Epochs, counted from 1, whose checkpoints are kept as epoch_<n>.ckpt, such as [4], to branch from.

    Raises:
        InputError: If an epoch is below 1.
    """

    uri: str | None = None
    experiment: str = "weightmask"
    run_name: str | None = None
    folder: Path | None = None
    tags: dict[str, str] | None = None
    checkpoint_seconds: float = 30.0
    keep_epochs: list[int] | None = None

    def __post_init__(self) -> None:
        if self.keep_epochs and min(self.keep_epochs) < 1:
            raise InputError(f"--tracking.keep_epochs is {self.keep_epochs}: epochs are counted from 1.")

    def check_epochs(self, max_epochs: int | None) -> None:
        """Refuses to keep an epoch after the end of the training.

        Args:
            max_epochs: Length of the training in epochs; None or -1 if it is not limited.

        Raises:
            InputError: If an epoch to keep is never trained.
        """
        last = max(self.keep_epochs or [0])
        if max_epochs is not None and 0 <= max_epochs < last:
            raise InputError(
                f"--tracking.keep_epochs names epoch {last}, but the training has {max_epochs}. Leave it out, or raise "
                "--trainer.max_epochs."
            )

    def place(self, project: Path) -> "TrackingPlace":
        """The resolved place, for a project in the folder `project`."""
        folder = self.folder.expanduser().absolute() if self.folder is not None else project / "mlruns"
        uri = self.uri or os.environ.get("MLFLOW_TRACKING_URI") or sqlite_address(folder / DATABASE)
        return TrackingPlace(uri, folder, self.experiment)


@dataclass(frozen=True)
class TrackingPlace:
    """Where runs are kept, with all defaults resolved.

    Attributes:
        uri: MLflow's tracking store.
        folder: mlruns/, the parent of run folders and artifacts.
        experiment: Name of the MLflow experiment.
    """

    uri: str
    folder: Path
    experiment: str

    @property
    def runs(self) -> Path:
        """The folder that holds all run folders."""
        return self.folder / RUNS

    @property
    def artifacts(self) -> Path:
        """The folder of artifacts, for a store that does not keep them itself."""
        return self.folder / "artifacts"

    @property
    def how_to_view(self) -> str:
        """A server's address, or the command that shows the runs."""
        if self.uri.startswith("http"):
            return without_credentials(self.uri)
        if self.folder == TrackingOptions().place(PROJECT).folder:
            return "python run.py ui"
        return f"python run.py ui --tracking.folder {shlex.quote(str(self.folder))}"
