"""Which paths the events of Python's audit hooks write: open for writing, make, rename or remove.

What libraries write in C++ raises no such event.
"""

import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType

from lightning_module.project import PROJECT

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
# positions of path and of its folder's descriptor among an event's arguments
_PATHS = {
    "os.mkdir": ((0, 2),),
    "os.remove": ((0, 1),),
    "os.rmdir": ((0, 1),),
    "os.rename": ((0, 2), (1, 3)),
    "os.link": ((1, 3),),
    "os.symlink": ((1, 2),),
    "os.truncate": ((0, None),),
}
_OURS = tuple(f"{PROJECT / name}" for name in ("datamodules", "lightning_module", "sweeps", "run.py"))
_HERE = str(Path(__file__).parent)
_KIND = re.compile(r"\.[a-z]{2,7}(?=-|$)")  # names of temporary files end in random letters
_DEVICES = ("/dev/", "/proc/self/")

Watch = Callable[[str, Sequence[str], str], None]  # takes event, paths and place; may raise what the system would raise


def watch_writes(watch: Watch) -> None:
    """Calls a function before each event of this process that writes; there is no way back."""

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event in _PATHS or event in ("open", "sqlite3.connect"):
            paths = [path for path in _written(event, arguments) if not path.startswith(_DEVICES)]
            if paths:
                watch(event, paths, _place(sys._getframe(1), event, paths[-1]))

    sys.addaudithook(hook)


def note_foreign_writes(allowed: Sequence[Path], note: Callable[[str, str], None]) -> None:
    """Notes, as kind "outside", what this process writes outside of some folders."""
    prefixes = tuple(f"{folder}/" for folder in allowed)

    def watch(event: str, paths: Sequence[str], place: str) -> None:
        for path in paths:
            is_new = event != "os.mkdir" or not os.path.isdir(path)  # `mkdir(exist_ok=True)` asks for what exists
            if is_new and not f"{path}/".startswith(prefixes):
                note("outside", f"{place} <- {path}")

    watch_writes(watch)


def _written(event: str, arguments: tuple[object, ...]) -> list[str]:
    if event == "open":
        path, _, flags = arguments
        is_written = isinstance(flags, int) and flags & _WRITES
        return [_absolute(path, None)] if is_written and isinstance(path, str | bytes | os.PathLike) else []
    if event == "sqlite3.connect":
        name = os.fsdecode(arguments[0]) if isinstance(arguments[0], str | bytes | os.PathLike) else ":memory:"
        name = name.removeprefix("file:").partition("?")[0]
        return [] if name in ("", ":memory:") else [_absolute(name, None)]
    return [
        _absolute(arguments[path], None if folder is None else arguments[folder])
        for path, folder in _PATHS[event]
        if isinstance(arguments[path], str | bytes | os.PathLike)
    ]


def _absolute(path: object, folder: object) -> str:
    name = os.fsdecode(path)  # type: ignore[arg-type]
    if isinstance(folder, int) and folder >= 0:
        name = os.path.join(os.readlink(f"/proc/self/fd/{folder}"), name)
    return os.path.abspath(name)


def _place(frame: FrameType | None, event: str, path: str) -> str:
    """The innermost line of the project on the stack, with the event and the file's kind."""
    known = _KIND.match(Path(path).suffix)
    kind = "folder" if event == "os.mkdir" else known[0] if known else "file"
    line = "no line of the project"
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith(_OURS) and not name.startswith(_HERE):
            line = f"{Path(name).relative_to(PROJECT)}:{frame.f_lineno}"
            break
        frame = frame.f_back
    return f"{line} {event} {kind}"
