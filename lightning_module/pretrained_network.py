"""The network that comes with the project: the name `pretrained` stands for its file."""

from pathlib import Path

from datamodules.errors import InputError
from lightning_module.checkpoint import checkpoint_digest
from lightning_module.packed_network import ENDING

PRETRAINED = "pretrained"
FILE = Path(__file__).parent / "inference" / PRETRAINED / f"{PRETRAINED}{ENDING}"


def is_pretrained(path_or_name: Path | str) -> bool:
    """Whether a user means the network that comes with the project, also where a file or folder has its name."""
    return str(path_or_name) == PRETRAINED


def network_path(path_or_name: Path | str) -> Path:
    """The file that a path, or the name `pretrained`, stands for.

    Raises:
        InputError: If the network that comes with the project is not there.
    """
    if not is_pretrained(path_or_name):
        return Path(path_or_name).expanduser()
    if not FILE.is_file():
        raise InputError(
            f"{PRETRAINED}: the network that comes with the project is missing ({FILE}). Restore the file, or "
            "give --ckpt_path the checkpoint of a fit."
        )
    return FILE


def is_pretrained_file(path: Path | None) -> bool:
    """Whether a file is that of the network that comes with the project."""
    return path is not None and path.resolve() == FILE.resolve()


def network_name(path: Path) -> str:
    """The name of a network's file in records: its file name, or `pretrained`."""
    return PRETRAINED if is_pretrained_file(path) else path.name


def network_label(path: Path) -> str:
    """The same; the network that comes with the project, of which there may be versions, has its checksum behind it."""
    return f"{PRETRAINED} {checkpoint_digest(path)}" if is_pretrained_file(path) else path.name
