"""`run.py fit`, `validate` and `test`: trains and evaluates with Lightning, and records a run."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from pytorch_lightning import Callback
from pytorch_lightning.callbacks import ModelCheckpoint, ProgressBar

from datamodules.errors import DivergedError, InputError
from datamodules.lost_workers import named_lost_workers
from lightning_module.callbacks.continued_fit import ContinuedFit
from lightning_module.callbacks.last_validation import LastValidation
from lightning_module.callbacks.map_writer import MapWriter
from lightning_module.callbacks.terminal import terminal_callbacks
from lightning_module.checkpoint import load_module, parameter_mismatch
from lightning_module.checkpoint_writer import write_whole_checkpoints
from lightning_module.configuration.checkpoint_progress import read_progress
from lightning_module.configuration.command_options import FaceCLI
from lightning_module.configuration.run_plan import RunPlan
from lightning_module.emulated_precision import warn_of_emulated_bf16
from lightning_module.evaluation.nme import NMEReport
from lightning_module.face_module import FaceModule
from lightning_module.process_rank import require_processes
from lightning_module.run_session import RunSession, run_session
from lightning_module.tracking.run_folder import RunFolder
from lightning_module.trainer_errors import refusals_of_trainer, refusals_while_running
from lightning_module.warning_filters import quieten


@dataclass(frozen=True, eq=False)
class RunResult:
    """The outcome of a command.

    Attributes:
        folder: Folder of the run; None if nothing is tracked.
        reports: NME by stage ("val", "test") and protocol.
        fingerprints: Fingerprints of the data and the face model, by name.
        datasets: Name of the data set of each stage in `reports`.
    """

    folder: RunFolder | None
    reports: dict[str, dict[str, NMEReport]]
    fingerprints: dict[str, str]
    datasets: dict[str, str]


def run_cli(args: Sequence[str], callbacks: Sequence[Callback] = ()) -> RunResult:
    """Runs fit, validate or test.

    Args:
        args: The command and its options, as on the command line.
        callbacks: Lightning callbacks in addition to those of the configuration.

    Returns:
        The run's folder and figures.

    Raises:
        InputError: If the options, the data or the checkpoint cannot be used.
    """
    quieten()
    command, *options = args
    cli = FaceCLI(command, options)
    plan, data, module = cli.plan(), cli.datamodule, cli.model
    data.check(command)
    writers = [MapWriter(cli.config.maps)] if command == "test" and cli.config.maps is not None else []
    with run_session(plan, module, data) as session, _parameters_must_fit(cli):
        _make_trainer(cli, plan, session, [*callbacks, *writers])
        with refusals_while_running(), named_lost_workers(lambda: cli.trainer.received_sigterm):
            _COMMANDS[command](cli, session)
    stages = {stage: str(data.card(stage)) for stage in module.reports}
    return RunResult(session.folder, module.reports, data.fingerprints() if session.tracker else {}, stages)


def _make_trainer(cli: FaceCLI, plan: RunPlan, session: RunSession, callbacks: Sequence[Callback]) -> None:
    options = plan.options.trainer
    configured = cli.config_init.trainer.callbacks or []
    chosen = [*(configured if isinstance(configured, list) else [configured]), *callbacks]
    if plan.command == "fit" and cli.origin is not None and cli.origin.start != "init_from":
        chosen.append(ContinuedFit(cli.origin))
    chosen += session.callbacks
    shown = terminal_callbacks(
        chosen, options.enable_progress_bar is not False, options.enable_model_summary is not False
    )
    settings: dict[str, Any] = {"logger": session.loggers or False, "callbacks": [*shown, *chosen]}
    settings["enable_progress_bar"] = any(isinstance(callback, ProgressBar) for callback in settings["callbacks"])
    settings["enable_model_summary"] = False  # replaced by a callback
    if not plan.is_tracked:
        settings["enable_checkpointing"] = bool(options.enable_checkpointing)
    for callback in chosen:
        if isinstance(callback, ModelCheckpoint) and callback.dirpath is None and session.folder is not None:
            callback.dirpath = str(session.folder.path / "checkpoints")  # otherwise below the working directory
    with refusals_of_trainer():
        cli.trainer = cli.instantiate_trainer(**settings)
    write_whole_checkpoints(cli.trainer)
    require_processes(cli.trainer.world_size)
    cast(Any, cli.trainer).callbacks.append(LastValidation())  # behind those that Lightning adds
    warn_of_emulated_bf16(cli.trainer)


def _fit(cli: FaceCLI, session: RunSession) -> None:
    origin, module, data, trainer = cli.origin, cli.model, cli.datamodule, cli.trainer
    checkpoint = origin.checkpoint if origin is not None else None
    if origin is not None and checkpoint is not None and origin.start == "init_from":
        _take_weights(module, checkpoint)
        checkpoint = None
    try:
        trainer.fit(module, datamodule=data, ckpt_path=checkpoint, weights_only=True)
    except DivergedError as error:
        raise DivergedError(
            f"{error} Training has diverged: lower --model.lr, or look for a division by zero in --model.network."
            f"{_kept_network(session)}"
        ) from error
    if trainer.global_step == 0:
        raise InputError(
            "nothing was trained: the fit has no step. Raise --trainer.max_epochs, max_steps, max_time or "
            "limit_train_batches, or leave them out."
        )
    if data.test_root is None or cli.config.trainer.fast_dev_run or not cli.config.test_at_end:
        return
    module.is_primary_test = True
    best = trainer.strategy.broadcast(session.best_checkpoint)
    module.tested_epoch = trainer.current_epoch if best is None else read_progress(best).epoch
    if best is not None:
        session.record_tested_checkpoint(best, data.card("test").slug, module.tested_epoch)
    with _evaluated(best):
        trainer.test(module, datamodule=data, verbose=False, weights_only=True, ckpt_path=best)


def _kept_network(session: RunSession) -> str:
    """A sentence about the network of a diverged fit that can be used."""
    if session.folder is None:
        return ""
    for name, path in (("best", session.folder.best_checkpoint), ("last finite", session.folder.last_checkpoint)):
        if path.is_file():
            return f" The {name} network, of epoch {read_progress(path).epoch}, is {path}."
    return " No network was saved before."


@contextmanager
def _evaluated(checkpoint: Path | None) -> Iterator[None]:
    """Adds the checkpoint to the error of a network whose maps are not finite."""
    try:
        yield
    except DivergedError as error:
        raise DivergedError(
            f"{checkpoint or 'the last network'}: {error} Its training has diverged: give the checkpoint of an earlier "
            "epoch, or train again with a lower --model.lr."
        ) from error


def _take_weights(module: FaceModule, checkpoint: Path) -> None:
    try:
        module.network.load_state_dict(load_module(checkpoint).network.state_dict())
    except RuntimeError as error:
        raise InputError(
            f"{checkpoint}: holds the weights of another network. Give --init_from a checkpoint of the same --model.network."
        ) from error


def _validate(cli: FaceCLI, session: RunSession) -> None:
    checkpoint = _checkpoint(cli)
    with _evaluated(checkpoint):
        cli.trainer.validate(
            cli.model, datamodule=cli.datamodule, ckpt_path=checkpoint, verbose=False, weights_only=True
        )


def _test(cli: FaceCLI, session: RunSession) -> None:
    checkpoint = _checkpoint(cli)
    cli.model.tested_epoch = read_progress(checkpoint).epoch
    session.record_tested_checkpoint(checkpoint, cli.datamodule.card("test").slug, cli.model.tested_epoch)
    with _evaluated(checkpoint):
        cli.trainer.test(cli.model, datamodule=cli.datamodule, ckpt_path=checkpoint, verbose=False, weights_only=True)


@contextmanager
def _parameters_must_fit(cli: FaceCLI) -> Iterator[None]:
    """Turns the error of torch about a checkpoint of another network into one line."""
    try:
        yield
    except RuntimeError as error:
        if "loading state_dict" not in str(error) or cli.origin is None:
            raise
        raise parameter_mismatch(Path(str(cli.origin.checkpoint)), cli.model.network) from error


_COMMANDS: dict[str, Callable[[FaceCLI, RunSession], None]] = {"fit": _fit, "validate": _validate, "test": _test}


def _checkpoint(cli: FaceCLI) -> Path:
    if cli.origin is None or cli.origin.checkpoint is None:
        raise InputError(f"--ckpt_path is not set: {cli.command} needs the checkpoint of a fit.")
    return cli.origin.checkpoint
