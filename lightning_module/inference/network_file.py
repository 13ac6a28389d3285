"""Finds the file of the network that a user names: a checkpoint, an exported file, that of a run, or `pretrained`."""

from pathlib import Path

from datamodules.errors import InputError
from lightning_module.pretrained_network import is_pretrained, network_path
from lightning_module.project import PROJECT
from lightning_module.tracking.run_folder import RunFolder, run_folders
from lightning_module.tracking.tracking_place import TrackingOptions


def find_network(path_or_name: Path | str) -> Path:
    """The file of a network.

    Args:
        path_or_name: `pretrained` for the network that comes with the project; a file; the folder of a run; or the name
            or key (or its end) of a run below mlruns/. Of several runs, the newest with a checkpoint is taken.

    Raises:
        InputError: If the file or run does not exist, or the run has no checkpoint.
    """
    path = network_path(path_or_name)
    if is_pretrained(path_or_name) or path.is_file():
        return path
    if path.is_dir():
        return _best(path, RunFolder(path))
    name = str(path_or_name).replace(" ", "-")
    runs = TrackingOptions().place(PROJECT).runs
    if path.suffix or len(path.parts) > 1:
        raise InputError(f'{path}: there is no such checkpoint. Give --ckpt_path one of a fit, or "pretrained".')
    # the key of a run that tests a checkpoint holds the key of the fit
    named = [folder for folder in run_folders(runs) if folder.key == name or f"-{name}-" in f"{folder.key}-"]
    if not named:
        raise InputError(
            f'{path_or_name}: is no file, and {runs} holds no run of this name. Give --ckpt_path one of a fit, or "pretrained".'
        )
    return _best(named[0].path, *named)


def _best(named: Path, *runs: RunFolder) -> Path:
    for run in runs:
        for checkpoint in (run.best_checkpoint, run.last_checkpoint):
            if checkpoint.is_file():
                return checkpoint
    raise InputError(f'{named}: holds no checkpoint. Give --ckpt_path one of a fit, or "pretrained".')
