"""A Lightning logger that writes a run into its folder and, in the background, to MLflow."""

import shutil
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from lightning_utilities.core.rank_zero import rank_zero_only
from pytorch_lightning.loggers import Logger

from datamodules.errors import InputError
from lightning_module.tracking.continued_run import continued
from lightning_module.tracking.delivery import Delivery
from lightning_module.tracking.journal import Journal
from lightning_module.tracking.mlflow_store import MlflowStore, signs_of_life
from lightning_module.tracking.moved_runs import RUNS
from lightning_module.tracking.run_folder import RunFolder
from lightning_module.tracking.store_check import refuse_hopeless
from lightning_module.tracking.tracking_place import TrackingPlace
from lightning_module.tracking.uploader import Uploader


class Tracker(Logger):
    """Writes a run into its folder and, in the background, to MLflow.

    Training never waits for the tracking store: what is logged is on disk at once, and uploaded when possible.

    Args:
        place: Where runs are kept.
        run_name: Name of the run.
        tags: Tags of the run.
        resume: Folder of an earlier run to continue; None creates a new run.
        appends_only: Whether figures are only added to the resumed run, whose status does not change.
        waits: Whether the run begins with `begin` only. What is logged before is recorded then, and until then a new
            run is unknown to MLflow, and a resumed one stays as it was.

    Raises:
        InputError: If another process is busy with the run, or nothing that is logged can ever arrive in MLflow.
    """

    def __init__(
        self,
        place: TrackingPlace,
        run_name: str,
        tags: Mapping[str, str],
        resume: RunFolder | None = None,
        appends_only: bool = False,
        waits: bool = False,
    ) -> None:
        super().__init__()
        self._experiment = place.experiment
        self._run_name = run_name
        self.appends_only = appends_only
        if resume is not None and resume.path.parent.name == RUNS:  # may have been moved with its folder of tracking
            place = replace(place, folder=resume.path.absolute().parent.parent)
        self._place, self._is_new = place, resume is None
        self._store = MlflowStore(place.uri, place.artifacts)
        if resume is None:
            refuse_hopeless(self._store, place.experiment)
        self.run = resume or RunFolder.create(place.runs, run_name)
        self._lock = self.run.lock()
        if self._lock is None:
            raise InputError(f"{self.run.path}: another process is busy with this run. Wait for it, or stop it.")
        self._journal = Journal(self.run)
        self._waiting: list[tuple[Any, dict[str, Any]]] = []
        self._delivery = Delivery(uri=self._store.uri)
        signs = {"signs": signs_of_life()}  # of this process; another one may upload them after its end
        if resume is None:
            own: dict[str, Any] = {
                "key": self.run.key,
                "folder": str(self.run.path.absolute()),
                "store": self._store.uri,
                **signs,
            }
            self._waiting.append(
                ("create", {"experiment": place.experiment, "name": run_name, "tags": dict(tags), **own})
            )
        else:
            try:
                self._store, self._delivery = continued(self._journal, self._store, place.experiment)
            except InputError:
                self._lock.close()
                raise
            if not appends_only:
                self._waiting.append(("resume", signs))
        self.uri = self._store.uri
        self._uploader: Uploader | None = None
        if not waits:
            self.begin()

    def begin(self) -> None:
        """Records the run, with what was logged so far, unless it has begun before."""
        if self._uploader is not None:
            return
        self._journal.delivered(self._delivery)
        for kind, content in self._waiting:
            self._journal.write(kind, **content)
        self._uploader = Uploader(self._store, self._journal, self._place.experiment, self._place.runs)

    @property
    def has_begun(self) -> bool:
        """Whether the run is recorded."""
        return self._uploader is not None

    def discard(self) -> None:
        """Gives up a run that has not begun: the folder of a new one is removed, and a resumed one stays as it was."""
        if self._is_new:
            shutil.rmtree(self.run.path, ignore_errors=True)
        if self._lock is not None:
            self._lock.close()

    @property
    def name(self) -> str:
        """Name of the MLflow experiment."""
        return self._experiment

    @property
    def version(self) -> str:
        """The run's key."""
        return self.run.key

    @property
    def run_id(self) -> str | None:
        """The run's id in MLflow, once it has one."""
        return self._journal.delivery.run_id

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Records the figures of one step."""
        values = {name: float(value) for name, value in metrics.items()}
        self._write("metrics", values=values, step=step or 0)

    def log_hyperparams(self, params: dict[str, Any] | Namespace, *args: Any, **kwargs: Any) -> None:
        """Ignores Lightning's own hyperparameters: `log_params` records them under clean names."""

    @rank_zero_only
    def log_params(self, params: Mapping[str, Any]) -> None:
        """Records the options of the run."""
        self._write("params", **{name: str(value) for name, value in params.items()})

    @rank_zero_only
    def log_tags(self, tags: Mapping[str, str]) -> None:
        """Records tags of the run."""
        self._write("tags", **tags)

    @rank_zero_only
    def log_file(self, path: Path, to: str = "") -> None:
        """Records a file of the run's folder as an artifact below `to`."""
        self._write("artifact", file=str(path.relative_to(self.run.path)), to=to)

    @rank_zero_only
    def end(self, status: str, reason: str = "") -> None:
        """Ends the run as FINISHED, FAILED or KILLED, unless figures are only added to it, and uploads the rest."""
        if not self.appends_only:
            if reason:
                self._write("tags", ended_by=reason)
            self._write("end", status=status)
        if self._uploader is not None and self._uploader.close() and self._lock is not None:
            self._lock.close()

    def _write(self, kind: Any, **content: Any) -> None:
        if self._uploader is None:
            self._waiting.append((kind, content))
            return
        self._journal.write(kind, **content)
        self._uploader.wake()
