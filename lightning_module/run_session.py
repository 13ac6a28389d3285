"""Records a command as a run: its configuration, its checkpoints, and its end."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pytorch_lightning import Callback
from pytorch_lightning.loggers import Logger
from pytorch_lightning.utilities.exceptions import SIGTERMException

from datamodules.errors import reason
from datamodules.lost_workers import INTERRUPTED, STOPPED
from lightning_module.callbacks.best_checkpoint import BestCheckpoint
from lightning_module.callbacks.divergence_check import DivergenceCheck
from lightning_module.callbacks.kept_epochs import KeptEpochs
from lightning_module.callbacks.last_checkpoint import LastCheckpoint
from lightning_module.callbacks.run_report import RunReport
from lightning_module.callbacks.run_start import RunStart
from lightning_module.callbacks.score_check import ScoreCheck
from lightning_module.checkpoint import checkpoint_digest
from lightning_module.configuration.loggers import log_parameters, make_loggers
from lightning_module.configuration.run_plan import RunPlan
from lightning_module.data_interface import FaceData
from lightning_module.evaluation.evaluation_record import FOLDER, read_record
from lightning_module.evaluation.score import Score
from lightning_module.face_module import FaceModule
from lightning_module.pretrained_network import network_name
from lightning_module.process_rank import rank
from lightning_module.project import PROJECT
from lightning_module.tracking.environment import environment_tags
from lightning_module.tracking.logged_parameters import parameters
from lightning_module.tracking.run_folder import RunFolder
from lightning_module.tracking.tracker import Tracker


@dataclass(frozen=True)
class RunSession:
    """A run during its command.

    Attributes:
        tracker: Its tracker; None if nothing is tracked, and in processes other than the first.
        loggers: All of its loggers, the tracker first.
        callbacks: Callbacks that report the run and save its checkpoints.
    """

    tracker: Tracker | None
    loggers: list[Logger]
    callbacks: list[Callback]

    @property
    def folder(self) -> RunFolder | None:
        """Folder of the run's files."""
        return self.tracker.run if self.tracker else None

    @property
    def best_checkpoint(self) -> Path | None:
        """Checkpoint of the best epoch, or None if there is none yet."""
        path = self.folder.best_checkpoint if self.folder else None
        return path if path is not None and path.is_file() else None

    def record_tested_checkpoint(self, path: Path, slug: str, epoch: int | None) -> None:
        """Records the checkpoint, and its epoch, that the test figures of a data set belong to."""
        if self.tracker is not None:
            tags = {f"test.{slug}.checkpoint": f"{network_name(path)} {checkpoint_digest(path)}"}
            self.tracker.log_tags(tags | ({} if epoch is None else {f"test.{slug}.epoch": str(epoch)}))


@contextmanager
def run_session(plan: RunPlan, module: FaceModule, data: FaceData) -> Iterator[RunSession]:
    """Records a command as a run, which ends as FINISHED, FAILED or KILLED.

    The record begins when the training or evaluation does: a command that fails before leaves no run, and a run that it
    was to continue as it was.

    Raises:
        InputError: If the data or the folder of the run cannot be used; then nothing is recorded.
    """
    if not plan.is_tracked:
        yield RunSession(None, [], [DivergenceCheck()] if plan.command == "fit" else [])
        return
    tracker, begin = None, None
    if rank() == 0:
        data.prepare_data()  # faulty data end the command here, before a run is made
        _ = data.uv_layout  # so does one of the regions
        tracker = _make_tracker(plan, module, data)
    try:
        loggers: list[Logger] = []
        if tracker is not None:
            loggers = [tracker, *make_loggers(plan.options.trainer.logger, tracker.run.path)]
            begin = _start(plan, tracker, loggers[1:], data)
        yield RunSession(tracker, loggers, _callbacks(plan, tracker, begin, data))
    except (KeyboardInterrupt, SystemExit) as error:
        if tracker is not None:
            _end_early(tracker, "KILLED", "stopped by a signal")
            if plan.command == "fit" and tracker.run.last_checkpoint.is_file():
                print(f"Stopped. Continue with python run.py fit --ckpt_path {tracker.run.last_checkpoint}")
        raise SystemExit(_status(error)) from error
    except BaseException as error:
        if tracker is not None:
            _end_early(tracker, "FAILED", f"{type(error).__name__}: {reason(error)}"[:5000])
        raise
    if tracker is not None and begin is not None:
        begin(False)  # where nothing was left to train or test
        for checkpoint in (tracker.run.best_checkpoint, tracker.run.last_checkpoint):
            if checkpoint.is_file():
                tracker.log_file(checkpoint, "checkpoints")
                break
        tracker.end("FINISHED")
        print(f"Run {tracker.run.path}\nCompare runs: {plan.place.how_to_view}")


def _status(error: KeyboardInterrupt | SystemExit) -> int | str | None:
    """The exit status of a command that was stopped; Lightning ends with 0 after SIGTERM, and with 1 after Ctrl+C."""
    if isinstance(error, SIGTERMException):
        return STOPPED
    if isinstance(error, KeyboardInterrupt) or isinstance(error.__context__, KeyboardInterrupt):
        return INTERRUPTED
    return error.code


def _end_early(tracker: Tracker, status: str, reason: str) -> None:
    if tracker.has_begun:
        tracker.end(status, reason)
    else:
        tracker.discard()


def _make_tracker(plan: RunPlan, module: FaceModule, data: FaceData) -> Tracker:
    origin = plan.origin
    appends_only = plan.command == "test" and _adds_to_run(plan, data)
    resume = origin.run if origin and (origin.is_resumed or appends_only) else None
    tracker = Tracker(plan.place, _run_name(plan, module), _tags(plan, module), resume, appends_only, waits=True)
    if resume is None:
        tracker.log_params(parameters(plan.values))
    return tracker


def _start(plan: RunPlan, tracker: Tracker, others: Sequence[Logger], data: FaceData) -> Callable[[bool], None]:
    """A function that begins the record of a run and writes its configuration; called with whether a training starts."""

    def begin(trains: bool) -> None:
        if tracker.has_begun:
            return
        tracker.begin()
        log_parameters(others, parameters(plan.values))
        config = (
            tracker.run.path / f"test_{data.card('test').slug}.yaml" if tracker.appends_only else tracker.run.config
        )
        if not trains and plan.origin is not None and plan.origin.is_resumed:
            return  # the test of a training that this command does not continue
        partial = config.with_suffix(".partial")
        partial.write_text(plan.config, encoding="utf-8")
        partial.replace(config)
        tracker.log_file(config)

    return begin


def _run_name(plan: RunPlan, module: FaceModule) -> str:
    if plan.command == "fit" or plan.origin is None:
        return plan.tracking.run_name or f"{module.weights_name} s{plan.options.seed_everything}"
    run, checkpoint = plan.origin.run, plan.origin.checkpoint
    return f"{plan.command} {run.key if run else network_name(checkpoint) if checkpoint else ''}"


def _tags(plan: RunPlan, module: FaceModule) -> dict[str, str]:
    tags = {"command": plan.command, "ratio": module.weights_name, **environment_tags(PROJECT)}
    origin = plan.origin
    if origin is not None and origin.checkpoint is not None:
        tags["checkpoint"] = origin.label
        if origin.start != "ckpt_path":
            tags["started_by"] = origin.start
            tags["parent"] = origin.run.key if origin.run else origin.label
            if origin.run is not None:
                tags["weightmask.parent"] = origin.run.key
    return tags | (plan.tracking.tags or {})


def _adds_to_run(plan: RunPlan, data: FaceData) -> bool:
    """Whether a test is added to the run that trained the network.

    It is, if it tests the same checkpoint as the run itself, no process is busy with the run, and it does not replace the
    record of another data set of the same name.
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


def _callbacks(
    plan: RunPlan, tracker: Tracker | None, begin: Callable[[bool], None] | None, data: FaceData
) -> list[Callback]:
    callbacks: list[Callback] = []
    if tracker is not None and begin is not None:
        callbacks += [RunStart(begin), RunReport(tracker)]
    if plan.command != "fit":
        return callbacks
    callbacks.append(DivergenceCheck())
    if plan.options.trainer.enable_checkpointing is False:
        return callbacks
    # all processes save together, into the folder that the first one has made
    folder = tracker.run if tracker is not None else RunFolder(plan.place.folder)
    if data.val_fraction:
        score = Score.parse(plan.options.score)
        callbacks.append(ScoreCheck(score))
        if plan.options.trainer.limit_val_batches != 0:
            callbacks.append(BestCheckpoint(folder, score))
    kept = KeptEpochs(folder, plan.tracking.keep_epochs or ())
    return [*callbacks, kept, LastCheckpoint(folder, plan.tracking.checkpoint_seconds)]
