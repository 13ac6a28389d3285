"""The folder of a reproduction: one command at a time works on it, and all with one budget."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from datamodules.errors import InputError, cannot_write
from datamodules.files.atomic_files import write_whole
from datamodules.files.file_locks import lock
from lightning_module.reproduction.budgets import Budget

STEPS = "steps"  # folder of the markers
_BUDGET, _LOCK = "budget.json", "lock"


def require_budget(out: Path, budget: Budget) -> None:
    """Refuses a folder that holds a reproduction of another length, whose runs must not stand in one table.

    Raises:
        InputError: If it does, or this cannot be read.
    """
    path = out / STEPS / _BUDGET
    if not path.is_file():
        return
    try:
        name = json.loads(path.read_text(encoding="utf-8"))["budget"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: cannot be read. Set --out to another folder, or remove this one.") from error
    if name != budget.name:
        raise InputError(
            f"{out}: holds a reproduction of --budget {name}. Set --out to another folder for that of {budget.name}."
        )


@contextmanager
def held_folder(out: Path, budget: Budget) -> Iterator[None]:
    """Makes the folder, notes its budget in it, and keeps other commands out of it.

    Raises:
        InputError: If another command works on it, or it cannot be written.
    """
    path = out / STEPS / _BUDGET
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = (out / _LOCK).open("w", encoding="utf-8")
    except OSError as error:
        raise cannot_write(out, error, "--out") from error
    # otherwise a forked worker would keep the lock when its parent is killed
    os.register_at_fork(after_in_child=file.close)
    with file:
        try:
            lock(file, out / _LOCK, waits=False)
        except BlockingIOError as error:
            raise InputError(
                f"{out}: another command works on this folder. Wait for it, or set --out to another."
            ) from error
        try:
            write_whole(path, json.dumps({"budget": budget.name}))
        except OSError as error:
            raise cannot_write(path, error, "--out") from error
        yield
