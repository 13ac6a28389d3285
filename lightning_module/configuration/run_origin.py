"""The checkpoint that a command starts from, and the options that may differ from it.

A fit starts from a checkpoint in one of three ways: `--ckpt_path` continues a run, `--init_from` starts a new run with
the weights only, and `--branch_from` starts a new run that also continues the optimiser, the schedule and the order of
the data. A network file, such as that which comes with the project, holds weights only.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from jsonargparse import Namespace

from datamodules.errors import InputError
from datamodules.geometry.crop import CROP_MARGIN
from lightning_module.checkpoint import read_hyper_parameters
from lightning_module.configuration.checkpoint_progress import read_progress
from lightning_module.configuration.class_arguments import options_of_file
from lightning_module.configuration.legacy_config import read_with_notice
from lightning_module.packed_network import is_packed
from lightning_module.pretrained_network import PRETRAINED, is_pretrained_file, network_label, network_path
from lightning_module.process_rank import rank
from lightning_module.tracking.logged_parameters import flat
from lightning_module.tracking.moved_runs import followed
from lightning_module.tracking.run_folder import RunFolder, newest_fit

Start = Literal["ckpt_path", "init_from", "branch_from"]

STARTS: tuple[Start, ...] = ("ckpt_path", "init_from", "branch_from")
_LAST = "last"
_RESUMED = "WEIGHTMASK_RESUMED_RUN"  # for the other processes that Lightning starts
_NETWORK = ("network", "is_residual")
_SCHEDULE = ("lr", "lr_schedule", "lr_halving_epochs")
_OWN_TRACKING = ("run_name", "tags", "keep_epochs")  # options of tracking: that a branch does not take over
_CROP = "crop_margin"
_LINKED = ("image_size", _CROP, "regions")  # options of model: that the command line takes from data:
# values for checkpoints that were written before an option existed
_DEFAULTS = {"weight_map": None, "landmark_radius_texels": 0.0, _CROP: CROP_MARGIN, "detector_crop": None}
AVERAGES = ("mirror_average", "crop_average")  # no part of the network, so every evaluation may set them


@dataclass(frozen=True)
class Origin:
    """The checkpoint that a command starts from.

    Attributes:
        start: The option that names the checkpoint.
        checkpoint: The file; None for a run that was killed before its first checkpoint.
        run: The run that the checkpoint belongs to, or None if the file was moved out of its folder.
        is_resumed: Whether a fit continues that run, instead of starting a new one.
        model_options: Options of `model:` in the checkpoint.
    """

    start: Start
    checkpoint: Path | None
    run: RunFolder | None
    is_resumed: bool
    model_options: Mapping[str, Any]

    @property
    def named(self) -> Path | None:
        """The checkpoint as a configuration names it, which another machine may read: `pretrained`, or its path."""
        return Path(PRETRAINED) if is_pretrained_file(self.checkpoint) else self.checkpoint

    @property
    def label(self) -> str:
        """The checkpoint in a run's tags: `pretrained` with its checksum, or its path."""
        if self.checkpoint is not None and is_pretrained_file(self.checkpoint):
            return network_label(self.checkpoint)
        return str(self.checkpoint)

    @property
    def frozen_options(self) -> tuple[str, ...] | None:
        """Options of `model:` that cannot be changed; None for all of them."""
        return {"ckpt_path": None, "init_from": _NETWORK, "branch_from": (*_NETWORK, *_SCHEDULE)}[self.start]

    def base_config(self) -> dict[str, Any]:
        """The configuration that the user's own options are merged into."""
        config: dict[str, Any] = {}
        run_config = _read_config(self.run)
        if self.is_resumed or (self.start == "branch_from" and run_config):
            config = {name: value for name, value in run_config.items() if name not in STARTS}
        if self.run is not None and "tracking" in config:
            config["tracking"] = followed(config["tracking"], self.run)
        if self.start == "branch_from":
            tracking = config.get("tracking", {})
            config["tracking"] = {name: value for name, value in tracking.items() if name not in _OWN_TRACKING}
        if not self.model_options:
            return config
        data = config.setdefault("data", {})
        data["image_size"] = self.model_options["image_size"]
        data[_CROP] = self.model_options.get(_CROP, CROP_MARGIN)
        if self.start != "init_from" and isinstance(self.model_options.get("regions"), str):
            data["regions"] = self.model_options["regions"]
        chosen = (*_NETWORK, "detector_crop") if self.start == "init_from" else self.model_options.keys() - set(_LINKED)
        model = {name: value for name, value in self.model_options.items() if name in chosen}
        model["network"] = _without_links(self.model_options["network"])
        config["model"] = {**config.get("model", {}), **model}
        return config

    def refuse_changes(self, model: Mapping[str, Any]) -> None:
        """Compares the merged options of `model:`, from any source, with those of the checkpoint.

        Raises:
            InputError: If an option that cannot be changed differs.
        """
        before, after = {**_DEFAULTS, **flat(self.model_options)}, flat(model)
        for name in sorted(before.keys() & after.keys()):
            is_frozen = self.frozen_options is None or name.split(".")[0] in (*self.frozen_options, "image_size")
            if not is_frozen or name in (*AVERAGES, "regions") or before[name] == after[name]:
                continue
            option = f"--data.{name}" if name in _LINKED else f"--model.{_option_name(name)}"
            remedy = {
                "ckpt_path": "Leave it out, or start a new run from the checkpoint: --init_from takes its weights "
                "only, --branch_from its optimiser too.",
                "branch_from": "Leave it out; with --init_from the learning rate and its schedule can be changed.",
                "init_from": "Leave it out, or train the other network from scratch.",
            }[self.start]
            raise InputError(
                f"{option} cannot be changed together with --{self.start}: it is {after[name]}, and {before[name]} in "
                f"{self.checkpoint}. {remedy}"
            )

    def evaluates_differently(self, model: Mapping[str, Any]) -> bool:
        """Whether averaging over views differs from the settings in the checkpoint."""
        return any(model[name] != self.model_options.get(name, False) for name in AVERAGES)


def find_origin(command: str, options: Namespace, runs: Path) -> Origin | None:
    """The origin of a command; None for a fit that starts from random weights.

    Args:
        command: "fit", "validate" or "test".
        options: The parsed command line.
        runs: The folder of run folders, for `last`.

    Raises:
        InputError: If the checkpoint does not exist, two are named, or a command that needs one has none.
    """
    starts = [start for start in STARTS if options.get(start) is not None]
    if len(starts) > 1:
        raise InputError(f"--{starts[0]} and --{starts[1]} are both set: a run starts from one checkpoint. Give one.")
    if command != "fit" and starts != ["ckpt_path"]:
        if starts:
            raise InputError(f"--{starts[0]} is an option of fit. Give {command} a checkpoint with --ckpt_path.")
        raise InputError(f"--ckpt_path is not set: {command} needs the checkpoint of a fit.")
    if not starts:
        return None
    (start,) = starts
    if str(options[start]) == _LAST:
        return _newest(command, start, runs)
    path = network_path(options[start])
    if not path.is_file():
        raise InputError(f"{path}: there is no such checkpoint. Set --{start}.")
    options_of_network = read_hyper_parameters(path)
    if command == "fit" and start != "init_from" and _holds_weights_only(path, start):
        raise InputError(
            f"--{start} {options[start]}: holds a network without the state of its optimiser, so that no training can go on "
            f"from it. Take its weights with --init_from {options[start]}."
        )
    run = RunFolder.of_checkpoint(path)
    # only last.ckpt continues its run; any other checkpoint starts a new one
    is_resumed = command == "fit" and start == "ckpt_path" and run is not None and path.name == run.LAST_CHECKPOINT
    return _checked(Origin(start, path.absolute(), run, is_resumed, options_of_network))


def _holds_weights_only(path: Path, start: Start) -> bool:
    """Whether no training can go on from a file; `_checked` says more of checkpoints to branch from."""
    return is_packed(path) or (start == "ckpt_path" and not read_progress(path).has_optimizer)


def _newest(command: str, start: Start, runs: Path) -> Origin:
    run = _run_of_first_process() if rank() else newest_fit(runs)
    if run is None:
        raise InputError(f"{runs}: holds no run to start from. Leave out --{start}.")
    os.environ[_RESUMED] = str(run.path)
    is_resumed = command == "fit" and start == "ckpt_path"
    if run.last_checkpoint.is_file():
        options = read_hyper_parameters(run.last_checkpoint)
        return _checked(Origin(start, run.last_checkpoint, run, is_resumed, options))
    if not is_resumed:
        raise InputError(f"{run.path}: holds no checkpoint yet. Set --{start} to one.")
    return Origin(start, None, run, is_resumed, {})


def _checked(origin: Origin) -> Origin:
    if origin.start == "branch_from" and origin.checkpoint is not None:
        progress = read_progress(origin.checkpoint)
        if not progress.is_epoch_end or not progress.has_optimizer:
            fault = "was saved in the middle of an epoch" if progress.has_optimizer else "holds no optimiser state"
            raise InputError(
                f"{origin.checkpoint}: {fault}; --branch_from needs one from the end of an epoch. Give the run's last.ckpt or "
                "best.ckpt, or take the weights only with --init_from."
            )
    return origin


def _read_config(run: RunFolder | None) -> dict[str, Any]:
    if run is None or not run.config.is_file():
        return {}
    return read_with_notice(options_of_file(run.config), str(run.config))


def _without_links(network: Mapping[str, Any]) -> dict[str, Any]:
    """A network's class_path and init_args without the image size, which the command line takes from data."""
    arguments = {name: value for name, value in network.get("init_args", {}).items() if name != "image_size"}
    return {"class_path": network["class_path"], "init_args": arguments}


def _option_name(name: str) -> str:
    return name.replace(".init_args", "").removesuffix(".class_path")


def _run_of_first_process() -> RunFolder:
    """The run that the first process has selected; that process has locked it, so a search would not find it."""
    if _RESUMED not in os.environ:
        raise InputError(
            "--ckpt_path last does not work for processes that are started separately: give the file's path."
        )
    return RunFolder(Path(os.environ[_RESUMED]))
