"""The steps of a reproduction, and the markers of those that are done."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from datamodules.errors import InputError, cannot_write
from datamodules.files.atomic_files import write_whole

Outcome = Mapping[str, Any]


@dataclass(frozen=True)
class Step:
    """A step that is done once, and whole or not at all.

    Attributes:
        name: Its name in file names and tags.
        title: What it does.
        command: The command that does the same by hand; "" where there is none.
        seconds: How long it takes on this machine, as estimated; None where that is not known.
        room: Bytes that it leaves on the disk, as estimated.
        source: What it starts from; a marker of another source is refused.
        work: Does it, and returns what later steps need to know.
        is_whole: Whether what its outcome names is still there.
    """

    name: str
    title: str
    command: str
    seconds: float | None
    room: int
    source: str
    work: Callable[[], Outcome]
    is_whole: Callable[[Outcome], bool]


class Markers:
    """The markers of the steps that are done: a file each, which is written when a step is whole.

    Args:
        folder: Their folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def outcome(self, step: Step) -> Outcome | None:
        """What a step came to; None if it is not done, or what it has made is not there any more.

        Raises:
            InputError: If it was done from another source.
        """
        path = self._path(step)
        try:
            stored = json.loads(path.read_text(encoding="utf-8"))
            source, outcome = stored["source"], stored["outcome"]
        except (OSError, ValueError, KeyError, TypeError):  # not there, or damaged: the step is done again
            return None
        if source != step.source:
            raise InputError(
                f"{path}: was done from {source}, and would now be from {step.source}. Set --out to another folder, or remove "
                "this one."
            )
        return outcome if step.is_whole(outcome) else None

    def do(self, step: Step) -> Outcome:
        """Does a step, unless it is done, and returns what it came to.

        Raises:
            InputError: If it fails, or was done from another source.
        """
        done = self.outcome(step)
        if done is not None:
            return done
        start = monotonic()
        outcome = {**step.work(), "seconds": round(monotonic() - start, 1)}
        path = self._path(step)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, json.dumps({"source": step.source, "outcome": outcome}, indent=1))
        except OSError as error:
            raise cannot_write(path, error, "--out") from error
        return outcome

    def _path(self, step: Step) -> Path:
        return self._folder / f"{step.name}.json"
