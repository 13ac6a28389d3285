"""Runs what is about permissions as a user who has none, since the superuser may write anywhere."""

import multiprocessing
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

_NOBODY = 65534


@contextmanager
def as_nobody(folder: Path, read_only: bool) -> Iterator[Callable[..., Any]]:
    """Gives a function that calls another one in a process of an unprivileged user.

    Args:
        folder: Folder that the user can read, with all that it holds.
        read_only: Whether the user cannot write there; this is tried first, so that a test cannot pass for lack of it.
    """
    parents = [parent for parent in folder.parents if not parent.stat().st_mode & 0o001]
    modes = {path: path.stat().st_mode for path in (*parents, folder, *folder.rglob("*"))}
    for path in modes:
        if path in parents:
            path.chmod(modes[path] | 0o011)
        else:
            path.chmod((0o555 if path.is_dir() else 0o444) if read_only else (0o777 if path.is_dir() else 0o666))
    try:
        if read_only:
            with pytest.raises(PermissionError):
                _run(_write, folder)
        else:
            _run(_write, folder)
        yield _run
    finally:
        for path, mode in modes.items():
            if path.exists():
                path.chmod(mode)


def _run(function: Callable[..., Any], *arguments: Any) -> Any:
    """What a function returns or raises in a forked process of the unprivileged user."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_report, args=(sender, function, arguments))
    process.start()
    sender.close()
    try:
        result = receiver.recv()
    finally:
        process.join()
    if isinstance(result, BaseException):
        raise result
    return result


def _report(sender: Any, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    try:
        if os.getuid() == 0:
            os.setgroups([])
            os.setgid(_NOBODY)
            os.setuid(_NOBODY)
        sender.send(function(*arguments))
    except BaseException as error:  # noqa: BLE001
        sender.send(error)


def _write(folder: Path) -> None:
    (folder / "written").write_text("x")
    (folder / "written").unlink()
