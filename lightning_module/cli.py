"""fit, validate, test and predict: LightningCLI, with every run tracked and able to go on."""

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jsonargparse import Namespace
from lightning_utilities.core.rank_zero import rank_zero_only
from pytorch_lightning import Callback, LightningDataModule, Trainer
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.cli import LightningArgumentParser, LightningCLI
from pytorch_lightning.utilities.exceptions import SIGTERMException

from datamodules.errors import InputError, OneLineErrors, reason
from datamodules.geometry.regions import checked_table
from lightning_module.checkpoint import read_hyper_parameters
from lightning_module.evaluation.evaluation_record import FOLDER, read_record
from lightning_module.evaluation.nme import NMEReport
from lightning_module.evaluation.score import Score
from lightning_module.face_module import FaceModule
from lightning_module.map_writer import PredictionWriter
from lightning_module.networks.hourglass import Hourglass
from lightning_module.project import PROJECT
from lightning_module.region_weights import RegionWeights
from lightning_module.reporting.run_report import LastCheckpoint, RunReport
from lightning_module.tracking.environment import environment_tags
from lightning_module.tracking.logged_parameters import flat, parameters
from lightning_module.tracking.run_folder import RunFolder, newest_fit
from lightning_module.tracking.tracker import Tracker, TrackingOptions, TrackingPlace
from lightning_module.warning_filters import quieten
from lightning_module.weight_file import read_weight_map

_STAGES = ("fit", "validate", "test", "predict")
_PATHS = ("root", "test_root", "test_landmarks", "morphable_model", "uv_coordinates", "cache_dir")
_LAST = "last"
_MIRROR = "mirror_average"
_RESUMED = "WEIGHTMASK_RESUMED_RUN"  # for the processes that Lightning starts beside the first


@dataclass(frozen=True, eq=False)
class RunResult:
    """What a command leaves to whoever called it.

    Attributes:
        folder: The run's files; None where nothing was tracked.
        reports: NME by stage ("val", "test") and protocol.
        fingerprints: Of the data and the face model, by name.
        datasets: Name of the data set by stage.
    """

    folder: RunFolder | None
    reports: dict[str, dict[str, NMEReport]]
    fingerprints: dict[str, str]
    datasets: dict[str, str]


def run_cli(args: Sequence[str], callbacks: Sequence[Callback] = ()) -> RunResult:
    """Runs fit, validate, test or predict, given as on the command line."""
    from datamodules.face_datamodule import FaceDataModule

    return TrackedCLI(FaceDataModule, PROJECT, args, callbacks).result


class _Parser(OneLineErrors, LightningArgumentParser):
    """Lightning's parser, less wordy."""


class TrackedCLI(LightningCLI):
    """The commands that Lightning knows.

    Args:
        datamodule_class: The data; it has `check`, `fingerprints`, `card` and `uv_layout`.
        project: Folder of the project, where conf/ and mlruns/ are.
        args: The command line.
        callbacks: Of the caller's own, which no configuration names.
    """

    def __init__(
        self,
        datamodule_class: type[LightningDataModule],
        project: Path,
        args: Sequence[str],
        callbacks: Sequence[Callback] = (),
    ) -> None:
        self._project = project
        self._arguments = list(args)
        self._callbacks = list(callbacks)
        self._resume: RunFolder | None = None
        self._tracker: Tracker | None = None
        self._judges_otherwise = False  # than the fit that a checkpoint is of
        quieten()
        defaults = {"default_config_files": [str(project / "conf" / "default.yaml")]}
        super().__init__(
            FaceModule,
            datamodule_class,
            save_config_callback=None,
            seed_everything_default=0,
            parser_class=_Parser,
            auto_configure_optimizers=False,
            parser_kwargs={
                "prog": "run.py",
                "allow_abbrev": False,
                "description": "Trains and judges face reconstruction with region weights. Further commands, each with "
                "its own --help: predict --data.photos (faces of any photographs as meshes), export (a network as ONNX, "
                "TorchScript or pt2), sweep (search region weights, and confirm them), compare (runs beside each other), "
                "evaluate (other methods), ui (MLflow's pages), prepare (UV position maps, or turned faces, as files), "
                "fit-landmarks (coefficients for photographs with landmarks), synthesize (faces by formula as files).",
                **dict.fromkeys(_STAGES, defaults),
            },
            args=self._arguments,
        )
        data: Any = self.datamodule
        fingerprints: dict[str, str] = data.fingerprints() if self._tracker else {}
        datasets: dict[str, str] = (
            {stage: str(data.card(stage)) for stage in self.model.reports} if self._tracker else {}
        )
        self.result = RunResult(
            self._tracker.run if self._tracker else None, self.model.reports, fingerprints, datasets
        )

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Adds what is tracked where, and says once what data and network share."""
        parser.add_argument("--score", type=str, default="nme:mean", help="fit: chooses the best checkpoint")
        parser.add_argument("--tracking", type=TrackingOptions, default=TrackingOptions())
        parser.add_argument("--out", type=Path, default=None, help="predict: folder for the predicted maps")
        parser.add_argument(
            "--test_at_end", type=bool, default=True, help="fit: test the best network where there is test data"
        )
        parser.link_arguments("seed_everything", "data.seed", compute_fn=_whole_number)
        parser.link_arguments("data.image_size", "model.image_size")
        parser.link_arguments("data.regions", "model.regions")
        # skipped for a network that has no such argument
        parser.link_arguments("data.image_size", "model.network.init_args.image_size")
        parser.set_defaults({"model.network": {"class_path": f"{Hourglass.__module__}.{Hourglass.__name__}"}})

    def parse_arguments(self, parser: LightningArgumentParser, args: Any) -> None:
        """Parses; a fit that goes on starts from its run's own configuration, which the command line can change."""
        self.config = parser.parse_args(self._arguments)
        options = self.config[self.config.subcommand]
        if options.get("ckpt_path") is None:
            if self.config.subcommand != "fit":
                raise InputError(f"--ckpt_path is not set: {self.config.subcommand} needs the checkpoint of a fit.")
            return
        checkpoint = self._checkpoint(options)
        if self.config.subcommand == "fit" and self._resume is not None:
            command = self._arguments.index("fit") + 1
            config = ["--config", str(self._resume.config)]
            self.config = parser.parse_args([*self._arguments[:command], *config, *self._arguments[command:]])
        self.config[self.config.subcommand].ckpt_path = checkpoint

    def _parse_ckpt_path(self) -> None:
        """Takes the network's options from the checkpoint, and refuses others given beside it."""
        options = self.config[self.config.subcommand]
        path = options.get("ckpt_path")
        if path is None:
            return
        saved = read_hyper_parameters(Path(path))
        given = options.model.as_dict() if isinstance(options.model, Namespace) else options.model
        before, after = (
            {name.replace(".init_args", ""): value for name, value in flat(options).items()}
            for options in (given, saved)
        )
        changed = {name for name in before.keys() & after.keys() if before[name] != after[name]} - {_MIRROR}
        asked = {argument.partition("=")[0].removeprefix("--model.") for argument in self._arguments}
        if refused := sorted(changed & asked):
            raise InputError(
                f"--model.{refused[0]} cannot be changed beside --ckpt_path: {path} brings its own network. "
                "Leave it out, or start a new fit."
            )
        data = {"image_size": saved["image_size"]}
        data |= {"regions": saved.pop("regions")} if "regions" in saved else {}
        # which is no part of the network, and so can be chosen anew
        trained_so = saved.get(_MIRROR, False)
        mirror_average = before[_MIRROR] if before[_MIRROR] or _MIRROR in asked else trained_so
        self._judges_otherwise = mirror_average != trained_so
        command = self.config.subcommand
        self.config = self.parser.parse_object({command: {"model": saved, "data": data}}, self.config)
        self.config[command].model[_MIRROR] = mirror_average

    def before_instantiate_classes(self) -> None:
        """Makes paths absolute, so that a run's configuration repeats it from anywhere."""
        options = self.config[self.subcommand]
        weights = RegionWeights.of(
            checked_table(options.data.regions), options.model.weights, options.model.landmark_radius_texels
        )
        for name, value in weights.options.items():  # the configuration of a run has all weights
            options.model[name] = value
        if options.model.weight_map is not None:
            options.model.weight_map = options.model.weight_map.expanduser().absolute()
            if self.subcommand == "fit":
                read_weight_map(options.model.weight_map)  # what is wrong with it ends here, before there is a run
        for name in _PATHS:
            if options.data[name] is not None:
                options.data[name] = options.data[name].expanduser().absolute()
        if options.tracking.folder is not None:
            options.tracking.folder = options.tracking.folder.expanduser().absolute()
        options.weights_only = True  # nothing that a checkpoint could run is loaded

    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        """The trainer, with tracking and checkpoints unless there is nothing to track."""
        datamodule: Any = self.datamodule
        datamodule.check(self.subcommand)
        options = self.config[self.subcommand]
        if self.subcommand == "predict":
            return super().instantiate_trainer(logger=False, callbacks=[self._prediction_writer(options)])
        if options.trainer.logger not in (None, True, False):
            raise InputError("--trainer.logger is set: runs are tracked by MLflow. Set --tracking.*, or give false.")
        if options.trainer.logger is False or options.trainer.fast_dev_run:
            # nothing tracked, nothing kept, unless checkpoints are asked for
            return super().instantiate_trainer(
                logger=False, enable_checkpointing=bool(options.trainer.enable_checkpointing)
            )
        if _rank() == 0:
            datamodule.prepare_data()  # what is wrong with the data ends here, before there is a run
            self._tracker = self._make_tracker(options)
        callbacks = [*(self.config_init[self.subcommand].trainer.callbacks or []), *self._callbacks]
        if self._tracker is not None:
            callbacks.append(RunReport(self._tracker))
        if self.subcommand == "fit" and options.trainer.enable_checkpointing is not False:
            # saving is a joint act of all processes; where to is what the first one says
            callbacks += self._checkpoints(self._tracker.run if self._tracker else RunFolder(self._place.folder))
        make_trainer = super().instantiate_trainer
        trainer: Trainer = self._ending_badly(make_trainer, logger=self._tracker or False, callbacks=callbacks)
        return trainer

    def fit(self, **kwargs: Any) -> None:
        """Trains; then tests the best network where there is test data."""

        def train_and_test() -> None:
            self.trainer.fit(**kwargs)
            datamodule: Any = self.datamodule
            options = self.config[self.subcommand]
            if datamodule.test_root is None or options.trainer.fast_dev_run or not options.test_at_end:
                return
            self.model.is_own_test = True
            best = self._tracker.run.best_checkpoint if self._tracker else None
            best = self.trainer.strategy.broadcast(best if best and best.is_file() else None)
            if best is not None:
                self._note_checkpoint(best)
            self.trainer.test(self.model, datamodule=datamodule, verbose=False, weights_only=True, ckpt_path=best)

        self._run(train_and_test)

    def validate(self, **kwargs: Any) -> None:
        """Judges a checkpoint on the validation faces."""
        self._run(lambda: self.trainer.validate(verbose=False, **{k: v for k, v in kwargs.items() if k != "verbose"}))

    def test(self, **kwargs: Any) -> None:
        """Judges a checkpoint on the test faces."""
        self._note_checkpoint(Path(self.config[self.subcommand].ckpt_path))
        self._run(lambda: self.trainer.test(verbose=False, **{k: v for k, v in kwargs.items() if k != "verbose"}))

    def _run(self, command: Callable[[], object]) -> None:
        self._ending_badly(command)
        if self._tracker is None:
            return
        for checkpoint in (self._tracker.run.best_checkpoint, self._tracker.run.last_checkpoint):
            if checkpoint.is_file():
                self._tracker.log_file(checkpoint, "checkpoints")
                break
        self._tracker.end("FINISHED")
        print(f"Run {self._tracker.run.path}\nCompare runs: {self._place.how_to_view}")

    def _ending_badly(self, command: Callable[..., Any], **kwargs: Any) -> Any:
        """Runs something; if it fails or is stopped, the run says so before the error goes on."""
        try:
            return command(**kwargs)
        except (KeyboardInterrupt, SystemExit, SIGTERMException):
            if self._tracker is not None:
                self._tracker.end("KILLED", "stopped by a signal")
            raise
        except BaseException as error:
            if self._tracker is not None:
                self._tracker.end("FAILED", f"{type(error).__name__}: {reason(error)}"[:5000])
            raise

    def _checkpoint(self, options: Namespace) -> str | None:
        """The checkpoint to load; finds out which run it belongs to."""
        if options.ckpt_path != _LAST:
            path = Path(options.ckpt_path).expanduser()
            if not path.is_file():
                raise InputError(f"{path}: there is no such checkpoint. Set --ckpt_path.")
            # only where a run stopped does it go on; from any other epoch a new run starts
            if self.config.subcommand != "fit" or path.name == RunFolder.LAST_CHECKPOINT:
                self._resume = RunFolder.of_checkpoint(path)
            return str(path)
        runs = _tracking(options).place(self._project).runs
        self._resume = _run_of_first_process() if _rank() else newest_fit(runs)
        if self._resume is None:
            raise InputError(f"{runs}: holds no run to go on with. Leave out --ckpt_path.")
        os.environ[_RESUMED] = str(self._resume.path)
        if self._resume.last_checkpoint.is_file():
            return str(self._resume.last_checkpoint)
        if self.config.subcommand != "fit":
            raise InputError(f"{self._resume.path}: holds no checkpoint yet. Set --ckpt_path to one.")
        return None  # killed before its first checkpoint: it begins again, as the same run

    @property
    def _place(self) -> TrackingPlace:
        return _tracking(self.config[self.subcommand]).place(self._project)

    def _make_tracker(self, options: Namespace) -> Tracker:
        tracking = _tracking(options)
        name = tracking.run_name or f"{self.model.weights_name} s{options.seed_everything}"
        if self.subcommand != "fit":
            name = f"{self.subcommand} {self._resume.key if self._resume else Path(options.ckpt_path).name}"
        tags = {
            "command": str(self.subcommand),
            "ratio": self.model.weights_name,
            **environment_tags(self._project),
            **(tracking.tags or {}),
        }
        if options.ckpt_path is not None:
            tags["checkpoint"] = str(options.ckpt_path)
        appends_only = self._adds_to_fit(Path(options.ckpt_path)) if self.subcommand == "test" else False
        resume = self._resume if self.subcommand == "fit" or appends_only else None
        tracker = Tracker(self._place, name, tags, resume, appends_only)
        repeated = options.clone()
        repeated.ckpt_path = None if self.subcommand == "fit" else options.ckpt_path
        config = tracker.run.path / f"test_{self._test_slug}.yaml" if appends_only else tracker.run.config
        config.write_text(self._parser(self.subcommand).dump(repeated, skip_none=False))
        tracker.log_file(config)
        if resume is None:
            tracker.log_params(parameters(options))
        return tracker

    def _adds_to_fit(self, checkpoint: Path) -> bool:
        """Whether a test belongs into the run that trained, and not while that is at work.

        It does for the network that the run tested itself, and not in place of other data's record of the same name.
        """
        run = self._resume
        if run is None or run.is_busy() or self._judges_otherwise:
            return False
        own = run.best_checkpoint if run.best_checkpoint.is_file() else run.last_checkpoint
        record = run.path / FOLDER / f"{self._test_slug}.json"
        datamodule: Any = self.datamodule
        known = read_record(record).fingerprint if record.is_file() else datamodule.fingerprints()["test_data"]
        return checkpoint.resolve() == own.resolve() and known == datamodule.fingerprints()["test_data"]

    @property
    def _test_slug(self) -> str:
        datamodule: Any = self.datamodule
        return str(datamodule.card("test").slug)

    def _note_checkpoint(self, path: Path) -> None:
        """Which network the figures of the test are of."""
        if self._tracker is not None:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()[:16]
            self._tracker.log_tags({f"test.{self._test_slug}.checkpoint": f"{path.name} {digest}"})

    def _checkpoints(self, folder: RunFolder) -> list[Any]:
        last = LastCheckpoint(folder, self.config[self.subcommand].tracking.checkpoint_seconds)
        datamodule: Any = self.datamodule
        if not datamodule.val_fraction:
            return [last]
        best = ModelCheckpoint(
            folder.path,
            folder.best_checkpoint.stem,
            monitor=Score.parse(self.config[self.subcommand].score).metric("val"),
            enable_version_counter=False,
        )
        return [best, last]

    def _prediction_writer(self, options: Namespace) -> PredictionWriter:
        if options.out is None:
            raise InputError("--out is not set: give a folder for the predicted maps.")
        return PredictionWriter(options.out)


def _tracking(options: Namespace) -> TrackingOptions:
    return TrackingOptions(**options.tracking.as_dict())


def _rank() -> int:
    return getattr(rank_zero_only, "rank", None) or 0


def _run_of_first_process() -> RunFolder:
    """What the first process found to be the last run; by now that one is busy with it."""
    if _RESUMED not in os.environ:
        raise InputError("--ckpt_path last cannot be found by processes that are started apart: give the file's path.")
    return RunFolder(Path(os.environ[_RESUMED]))


def _whole_number(seed: bool | int) -> int:
    if isinstance(seed, bool):
        raise InputError(f"--seed_everything is {str(seed).lower()}: give a number, which decides the whole run.")
    return seed
