"""Where a run's files lie: one folder a run, complete without any tracking server.

<runs>/<key>/config.yaml    what repeats the run
last.ckpt      what it goes on from
best.ckpt      the network of the best epoch
journal.jsonl  what is to be sent to MLflow; see journal.py
lock           held while the run lives
"""

import fcntl
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

_KEY_TIME = "%Y%m%d-%H%M%S"


@dataclass(frozen=True)
class RunFolder:
    """A run's folder; its name is the run's key."""

    path: Path

    @classmethod
    def create(cls, runs: Path, name: str) -> "RunFolder":
        """A new folder whose name sorts by time and carries the run's name."""
        stamp = datetime.now(UTC).strftime(_KEY_TIME)
        path = runs / f"{stamp}-{name.replace(' ', '-').replace('/', '-')}-{secrets.token_hex(2)}"
        path.mkdir(parents=True)
        return cls(path)

    @classmethod
    def of_checkpoint(cls, checkpoint: Path) -> "RunFolder | None":
        """The folder of the run that wrote a checkpoint, or None where the file was moved out of it."""
        folder = cls(checkpoint.resolve().parent)
        return folder if folder.journal.is_file() else None

    @property
    def key(self) -> str:
        """The run's name for itself, wherever it is tracked."""
        return self.path.name

    @property
    def config(self) -> Path:
        """The resolved configuration."""
        return self.path / "config.yaml"

    @property
    def last_checkpoint(self) -> Path:
        """The newest complete epoch."""
        return self.path / "last.ckpt"

    @property
    def best_checkpoint(self) -> Path:
        """The epoch with the least validation NME."""
        return self.path / "best.ckpt"

    @property
    def journal(self) -> Path:
        """What is to be sent."""
        return self.path / "journal.jsonl"

    def lock(self) -> IO[str] | None:
        """An open file that keeps others off while it is open, or None while another process has it.

        The system drops the lock of a process that was killed.
        """
        file = (self.path / "lock").open("w")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            return None
        return file


def run_folders(runs: Path) -> Iterator[RunFolder]:
    """All runs, the newest first."""
    paths = [path for path in runs.iterdir() if path.is_dir()] if runs.is_dir() else []
    for path in sorted(paths, reverse=True):
        folder = RunFolder(path)
        if folder.journal.is_file():
            yield folder


def newest_idle_run(runs: Path) -> RunFolder | None:
    """The newest fit that no process is busy with."""
    for folder in run_folders(runs):
        if folder.config.is_file() and (lock := folder.lock()) is not None:
            lock.close()
            return folder
    return None
