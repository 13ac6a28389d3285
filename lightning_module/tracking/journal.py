"""A run's journal: what is logged is written to disk first, so that neither a crash nor a missing server loses it.

The journal has one JSON object per line, in upload order; delivery.json holds which of them were uploaded.
"""

import json
import logging
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from datamodules.addresses import masked
from datamodules.files.atomic_files import flush
from lightning_module.tracking.delivery import Delivery, read_delivery, write_delivery
from lightning_module.tracking.run_folder import RunFolder

_log = logging.getLogger(__name__)

Kind = Literal["create", "resume", "params", "tags", "metrics", "artifact", "end"]
_RECORD_SECONDS = 1.0  # between two flushes of the progress to the disk, which takes longer than a small upload


@dataclass(frozen=True)
class Entry:
    """One line of the journal.

    Attributes:
        kind: create (name, experiment, tags, key, folder, store) · resume · params · tags · metrics (values, step) ·
            artifact (a file of the run's folder) · end (status).
        content: Fields of the entry, as JSON values.
        time_ms: Milliseconds since 1970.
    """

    kind: Kind
    content: dict[str, Any] = field(default_factory=dict)
    time_ms: int = field(default_factory=lambda: time.time_ns() // 1_000_000)


class Journal:
    """The entries of one run; safe to use from several threads.

    No address in them shows a password, since all of them are uploaded.

    Attributes:
        folder: The run's folder.
        delivery: Progress of the upload.
        last_folder: The path of the folder when the progress was last written; None if nothing names it.
    """

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder
        self._state = folder.path / "delivery.json"
        self._lock = threading.Lock()
        self._entries, self._sound_bytes = _read_entries(folder.journal)
        self._unwritten: list[bytes] = []
        self._is_warned = False
        self._recorded_at = 0.0
        delivery, last_folder = read_delivery(self._state)
        self.delivery = delivery.within(len(self._entries))
        created = self.created
        if self.delivery.uri is None and created is not None:
            self.delivery = replace(self.delivery, uri=created.content.get("store"))
        path = created.content.get("folder") if created is not None else None
        self.last_folder = last_folder or (Path(path) if path else None)

    @property
    def created(self) -> Entry | None:
        """The entry that describes the run; None if its line is damaged, or not written yet."""
        first = self._entries[0] if self._entries else None
        return first if first is not None and first.kind == "create" else None

    def write(self, kind: Kind, **content: Any) -> None:
        """Appends an entry. It is on disk when this returns, or follows with the next one if the disk was full."""
        entry = Entry(kind, _masked(content))
        line = json.dumps({"kind": entry.kind, "time_ms": entry.time_ms, "content": entry.content})
        with self._lock:
            self._entries.append(entry)
            self._unwritten.append(line.encode() + b"\n")
            try:
                self._append()
            except OSError as error:
                if not self._is_warned:
                    _log.warning(
                        "%s: cannot be written (%s). Training continues; what it logs is written when there is room.",
                        self.folder.journal,
                        error.strerror or error,
                    )
                self._is_warned = True

    def unsent(self) -> list[tuple[int, Entry]]:
        """Entries that were not handled yet, with their numbers; damaged lines are left out."""
        with self._lock:
            numbered = list(enumerate(self._entries))[self.delivery.sent :]
        return [(number, entry) for number, entry in numbered if entry is not None]

    def waiting(self) -> list[tuple[int, Entry]]:
        """Artifacts that wait for the artifact store, with their numbers."""
        with self._lock:
            numbered = [(number, self._entries[number]) for number in self.delivery.waiting]
        return [(number, entry) for number, entry in numbered if entry is not None]

    def pending(self) -> list[Entry]:
        """Entries that are not uploaded yet."""
        return [entry for _, entry in (*self.waiting(), *self.unsent())]

    @property
    def damaged_lines(self) -> int:
        """Number of lines that cannot be read, among those that were not uploaded yet."""
        with self._lock:
            return self._entries[self.delivery.sent :].count(None)

    def delivered(self, delivery: Delivery) -> None:
        """Records the progress of the upload at once."""
        self.delivery = delivery
        self._record()

    def advance(self, delivery: Delivery) -> None:
        """Records the progress of the upload, on disk at most once a second; `delivered` completes it."""
        self.delivery = delivery
        if time.monotonic() - self._recorded_at > _RECORD_SECONDS:
            self._record()

    def _record(self) -> None:
        # an entry whose line was lost would otherwise count as uploaded, and its successor with it
        with self._lock, suppress(OSError):  # on a full disk it is written later; what is sent twice is in MLflow once
            if self.folder.journal.is_file():
                flush(self.folder.journal)
            write_delivery(self._state, self.delivery, self.folder.path.absolute())
            self._recorded_at = time.monotonic()

    def _append(self) -> None:
        with self.folder.journal.open("ab") as file:
            if file.tell() > self._sound_bytes:  # a line that was cut off by a kill or a full disk
                file.truncate(self._sound_bytes)
            while self._unwritten:
                file.write(self._unwritten[0])
                file.flush()
                self._sound_bytes += len(self._unwritten.pop(0))


def _masked(content: Any) -> Any:
    """The same JSON value with masked texts."""
    if isinstance(content, str):
        return masked(content)
    if isinstance(content, dict):
        return {name: _masked(value) for name, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [_masked(value) for value in content]
    return content


def _read_entries(path: Path) -> tuple[list[Entry | None], int]:
    """The entries, None for a damaged line, and the length in bytes up to the end of the last whole line."""
    try:
        lines = path.read_bytes().split(b"\n")[:-1]  # what follows the last line was cut off by a kill
    except FileNotFoundError:
        return [], 0
    return [_parsed(line) for line in lines], sum(len(line) + 1 for line in lines)


def _parsed(line: bytes) -> Entry | None:
    try:
        fields = json.loads(line.strip(b"\0"))  # which a power cut leaves behind
        # masked, since an earlier version may have written it
        return Entry(fields["kind"], _masked(dict(fields["content"])), int(fields["time_ms"]))
    except (ValueError, KeyError, TypeError):
        return None
