"""A run's life: its record is made, its checkpoints and configuration are kept, and its end is recorded."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jsonargparse import Namespace
from pytorch_lightning import Callback
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.loggers import Logger
from pytorch_lightning.utilities.exceptions import SIGTERMException

from datamodules.errors import reason
from lightning_module.callbacks.last_checkpoint import LastCheckpoint
from lightning_module.callbacks.run_report import RunReport
from lightning_module.callbacks.score_check import ScoreCheck
from lightning_module.configuration.loggers import make_loggers
from lightning_module.configuration.run_origin import Origin
from lightning_module.evaluation.evaluation_record import FOLDER, read_record
from lightning_module.evaluation.score import Score
from lightning_module.face_data import FaceData
from lightning_module.face_module import FaceModule
from lightning_module.process_rank import rank
from lightning_module.project import PROJECT
from lightning_module.tracking.environment import environment_tags
from lightning_module.tracking.logged_parameters import parameters
from lightning_module.tracking.run_folder import RunFolder
from lightning_module.tracking.tracker import Tracker, TrackingOptions, TrackingPlace


@dataclass(frozen=True)
class RunPlan:
    """What a command is going to do, before anything of it is recorded.

    Attributes:
        command: "fit", "validate" or "test".
        options: The command's options.
        values: The same as plain values, as YAML holds them.
        config: YAML that repeats the command.
        origin: The checkpoint that it starts from.
        evaluates_differently: Whether a test evaluates another function than the run that trained the network.
    """

    command: str
    options: Namespace
    values: Mapping[str, Any]
    config: str
    origin: Origin | None
    evaluates_differently: bool

    @property
    def tracking(self) -> TrackingOptions:
        """Where the run is kept."""
        return TrackingOptions(**self.options.tracking.as_dict())

    @property
    def place(self) -> TrackingPlace:
        """The same, with all defaults resolved."""
        return self.tracking.place(PROJECT)

    @property
    def is_tracked(self) -> bool:
        """Whether the command leaves a run."""
        return self.options.trainer.logger is not False and not self.options.trainer.fast_dev_run


@dataclass(frozen=True)
class RunSession:
    """A run while its command works.

    Attributes:
        tracker: Its record; None if nothing is tracked, and in processes other than the first.
        loggers: All of its loggers, the tracker first.
        callbacks: Those that report the run and keep its checkpoints.
    """

    tracker: Tracker | None
    loggers: list[Logger]
    callbacks: list[Callback]

    @property
    def folder(self) -> RunFolder | None:
        """The run's files."""
        return self.tracker.run if self.tracker else None

    @property
    def best_checkpoint(self) -> Path | None:
        """The network of the best epoch, once there is one."""
        path = self.folder.best_checkpoint if self.folder else None
        return path if path is not None and path.is_file() else None

    def record_tested_checkpoint(self, path: Path, slug: str) -> None:
        """Records which network the test figures of a data set are of."""
        if self.tracker is not None:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()[:16]
            self.tracker.log_tags({f"test.{slug}.checkpoint": f"{path.name} {digest}"})


@contextmanager
def run_session(plan: RunPlan, module: FaceModule, data: FaceData) -> Iterator[RunSession]:
    """Records a command as a run, which ends as FINISHED, FAILED or KILLED.

    Raises:
        InputError: If the data or the run's folder cannot be used; nothing is recorded then.
    """
    if not plan.is_tracked:
        yield RunSession(None, [], [])
        return
    tracker = None
    if rank() == 0:
        data.prepare_data()  # a fault of the data ends the command here, before there is a run
        tracker = _make_tracker(plan, module, data)
    try:
        loggers: list[Logger] = []
        if tracker is not None:
            params = parameters(plan.values)
            loggers = [tracker, *make_loggers(plan.options.trainer.logger, tracker.run.path, params)]
        yield RunSession(tracker, loggers, _callbacks(plan, tracker, data))
    except (KeyboardInterrupt, SystemExit, SIGTERMException):
        if tracker is not None:
            tracker.end("KILLED", "stopped by a signal")
            if plan.command == "fit" and tracker.run.last_checkpoint.is_file():
                print(f"Stopped. Continue with python run.py fit --ckpt_path {tracker.run.last_checkpoint}")
        raise
    except BaseException as error:
        if tracker is not None:
            tracker.end("FAILED", f"{type(error).__name__}: {reason(error)}"[:5000])
        raise
    if tracker is not None:
        for checkpoint in (tracker.run.best_checkpoint, tracker.run.last_checkpoint):
            if checkpoint.is_file():
                tracker.log_file(checkpoint, "checkpoints")
                break
        tracker.end("FINISHED")
        print(f"Run {tracker.run.path}\nCompare runs: {plan.place.how_to_view}")


def _make_tracker(plan: RunPlan, module: FaceModule, data: FaceData) -> Tracker:
    origin = plan.origin
    appends_only = plan.command == "test" and _adds_to_run(plan, data)
    resume = origin.run if origin and (origin.is_resumed or appends_only) else None
    tracker = Tracker(plan.place, _run_name(plan, module), _tags(plan, module), resume, appends_only)
    config = tracker.run.path / f"test_{data.card('test').slug}.yaml" if appends_only else tracker.run.config
    config.write_text(plan.config)
    tracker.log_file(config)
    if resume is None:
        tracker.log_params(parameters(plan.values))
    return tracker


def _run_name(plan: RunPlan, module: FaceModule) -> str:
    if plan.command == "fit" or plan.origin is None:
        return plan.tracking.run_name or f"{module.weights_name} s{plan.options.seed_everything}"
    run, checkpoint = plan.origin.run, plan.origin.checkpoint
    return f"{plan.command} {run.key if run else checkpoint.name if checkpoint else ''}"


def _tags(plan: RunPlan, module: FaceModule) -> dict[str, str]:
    tags = {"command": plan.command, "ratio": module.weights_name, **environment_tags(PROJECT)}
    origin = plan.origin
    if origin is not None and origin.checkpoint is not None:
        tags["checkpoint"] = str(origin.checkpoint)
        if origin.start != "ckpt_path":
            tags["started_by"] = origin.start
            tags["parent"] = origin.run.key if origin.run else str(origin.checkpoint)
            if origin.run is not None:
                tags["weightmask.parent"] = origin.run.key
    return tags | (plan.tracking.tags or {})


def _adds_to_run(plan: RunPlan, data: FaceData) -> bool:
    """Whether a test is added to the run that trained the network.

    It is for the network that the run tested itself, while no process works on the run, and unless that would replace
    the record of another data set of the same name.
    """
    origin = plan.origin
    run = origin.run if origin else None
    if origin is None or origin.checkpoint is None or run is None or run.is_busy() or plan.evaluates_differently:
        return False
    own = run.best_checkpoint if run.best_checkpoint.is_file() else run.last_checkpoint
    record = run.path / FOLDER / f"{data.card('test').slug}.json"
    fingerprint = data.fingerprints()["test_data"]
    recorded = read_record(record).fingerprint if record.is_file() else fingerprint
    return origin.checkpoint.resolve() == own.resolve() and recorded == fingerprint


def _callbacks(plan: RunPlan, tracker: Tracker | None, data: FaceData) -> list[Callback]:
    callbacks: list[Callback] = [RunReport(tracker)] if tracker is not None else []
    if plan.command != "fit" or plan.options.trainer.enable_checkpointing is False:
        return callbacks
    # all processes save together; the first one says where to
    folder = tracker.run if tracker is not None else RunFolder(plan.place.folder)
    if data.val_fraction:
        score = Score.parse(plan.options.score)
        name = folder.best_checkpoint.stem
        best = ModelCheckpoint(folder.path, name, monitor=score.metric("val"), enable_version_counter=False)
        callbacks += [ScoreCheck(score), best]
    return [*callbacks, LastCheckpoint(folder, plan.tracking.checkpoint_seconds)]
