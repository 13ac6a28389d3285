"""The folder of a run's files, which is complete without a tracking server.

<runs>/<key>/config.yaml    repeats the run
last.ckpt      the newest complete epoch, from which the run can be resumed
best.ckpt      the checkpoint of the best epoch
epoch_4.ckpt   the end of epoch 4, if the run was told to keep it
journal.jsonl  what is uploaded to MLflow; see journal.py
lock           held while a process works on the run
"""

import errno
import json
import os
import re
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, ClassVar

from datamodules.errors import InputError, cannot_write
from datamodules.files.file_locks import lock

_BUSY_SECONDS = 10.0  # workers of a killed process take a moment to end
_MOST_BYTES = 150  # of a run's name in that of its folder, for which file systems have 255
_KEY_TIME = "%Y%m%d-%H%M%S"


@dataclass(frozen=True)
class RunFolder:
    """A run's folder; its name is the run's key."""

    path: Path
    LAST_CHECKPOINT: ClassVar[str] = "last.ckpt"

    @classmethod
    def create(cls, runs: Path, name: str) -> "RunFolder":
        """A new folder whose name sorts by time and carries the run's name."""
        stamp = datetime.now(UTC).strftime(_KEY_TIME)
        label = re.sub(r'[ /"]', "-", name.encode()[:_MOST_BYTES].decode(errors="ignore"))
        path = runs / f"{stamp}-{label}-{secrets.token_hex(2)}"
        try:
            path.mkdir(parents=True)
        except OSError as error:
            raise cannot_write(runs, error, "--tracking.folder") from error
        return cls(path)

    @classmethod
    def of_checkpoint(cls, checkpoint: Path) -> "RunFolder | None":
        """The folder of the run that wrote a checkpoint, or None if the file was moved out of it."""
        folder = cls(checkpoint.resolve().parent)
        return folder if folder.journal.is_file() else None

    @property
    def key(self) -> str:
        """The unique name of the run, independent of its tracking store."""
        return self.path.name

    @property
    def config(self) -> Path:
        """The resolved configuration."""
        return self.path / "config.yaml"

    @property
    def last_checkpoint(self) -> Path:
        """The newest complete epoch."""
        return self.path / self.LAST_CHECKPOINT

    @property
    def best_checkpoint(self) -> Path:
        """The epoch with the lowest score on the validation faces."""
        return self.path / "best.ckpt"

    def epoch_checkpoint(self, epoch: int) -> Path:
        """The end of an epoch, counted from 1, if the run keeps it."""
        return self.path / f"epoch_{epoch}.ckpt"

    @property
    def journal(self) -> Path:
        """The file of journal.py."""
        return self.path / "journal.jsonl"

    def lock(self) -> IO[str] | None:
        """An open file that locks the run until it is closed, or None while another process holds the lock.

        The system releases the lock of a process that was killed.

        Raises:
            InputError: If the run cannot be locked, as in a folder that may only be read.
        """
        path = self.path / "lock"
        try:
            if os.path.exists(self.journal) and not os.access(self.journal, os.W_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            file = path.open("w", encoding="utf-8")
        except IsADirectoryError as error:
            raise InputError(f"{path}: is a folder where a file must be that locks the run. Remove it.") from error
        except OSError as error:
            raise InputError(
                f"{self.path}: cannot be written ({error.strerror or error}), so nothing can be added to the run. Copy "
                "its folder to a place that can, or start a new run from its checkpoint with --branch_from or --init_from."
            ) from error
        try:
            lock(file, path, waits=False)
        except BlockingIOError:
            file.close()
            return None
        # otherwise a forked worker would keep the lock when its parent is killed
        os.register_at_fork(after_in_child=file.close)
        return file

    def is_busy(self) -> bool:
        """Whether a process is working on the run, or nothing can be added to it."""
        try:
            held = self.lock()
        except InputError:
            return True
        if held is not None:
            held.close()
        return held is None

    def tags(self) -> dict[str, str]:
        """All tags that the run has logged so far."""
        tags: dict[str, str] = {}
        for line in self.journal.read_text(encoding="utf-8", errors="replace").split("\n"):
            try:
                entry = json.loads(line.strip("\0"))
                if entry["kind"] in ("create", "resume"):
                    tags |= entry["content"].get("tags", {})
                elif entry["kind"] == "tags":
                    tags |= entry["content"]
            except (ValueError, KeyError, TypeError):  # damaged, as by a kill or a power cut
                continue
        return tags

    def is_fit(self) -> bool:
        """Whether the run is a fit, not an evaluation."""
        try:
            with self.journal.open(encoding="utf-8", errors="replace") as file:
                first = json.loads(file.readline().strip("\0"))
            command = first["content"]["tags"].get("command", "fit")
        except (OSError, ValueError, KeyError, TypeError, AttributeError):  # damaged, as by a kill or a power cut
            return self.last_checkpoint.is_file()
        return bool(command == "fit")


def run_folders(runs: Path) -> Iterator[RunFolder]:
    """All runs, newest first."""
    paths = [path for path in runs.iterdir() if path.is_dir()] if runs.is_dir() else []
    for path in sorted(paths, reverse=True):
        folder = RunFolder(path)
        if os.path.isfile(folder.journal):  # False also for a folder of another user that cannot be entered
            yield folder


def newest_fit(runs: Path) -> RunFolder | None:
    """The newest fit, or None if there is none.

    Raises:
        InputError: If a process is busy with it.
    """
    for folder in run_folders(runs):
        if not (folder.config.is_file() and folder.is_fit()):
            continue
        deadline = time.monotonic() + _BUSY_SECONDS
        while _is_held(folder):
            if time.monotonic() > deadline:
                raise InputError(
                    f"{folder.path}: a process is busy with the newest run. Wait for it, or give --ckpt_path the path "
                    "of another run's last.ckpt."
                )
            time.sleep(0.1)
        return folder
    return None


def _is_held(folder: RunFolder) -> bool:
    """Whether another process holds the lock of a run; what only reads a run that is read-only needs none."""
    try:
        held = folder.lock()
    except InputError:
        return False
    if held is not None:
        held.close()
    return held is None
