"""A run's journal: what is logged is written to disk first, so that neither a crash nor a missing server loses it.

The journal has one JSON object per line, in upload order; delivery.json holds how many of them were uploaded.
"""

import json
import os
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from lightning_module.tracking.run_folder import RunFolder

Kind = Literal["create", "resume", "params", "tags", "metrics", "artifact", "end"]


@dataclass(frozen=True)
class Entry:
    """One line of the journal.

    Attributes:
        kind: create (name, experiment, tags) · resume · params · tags · metrics (values, step) · artifact (a file of
            the run's folder) · end (status).
        content: Fields of the entry, as JSON values.
        time_ms: Milliseconds since 1970.
    """

    kind: Kind
    content: dict[str, Any] = field(default_factory=dict)
    time_ms: int = field(default_factory=lambda: time.time_ns() // 1_000_000)


@dataclass(frozen=True)
class Delivery:
    """Progress of the upload: number of uploaded entries, and the id and store of the run once it has them."""

    sent: int = 0
    run_id: str | None = None
    uri: str | None = None


class Journal:
    """The entries of one run; safe to use from several threads."""

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder
        self._state = folder.path / "delivery.json"
        self._lock = threading.Lock()
        self._entries = _read_entries(folder.journal)
        self.delivery = (
            Delivery(**json.loads(self._state.read_text(encoding="utf-8"))) if self._state.is_file() else Delivery()
        )

    def write(self, kind: Kind, **content: Any) -> None:
        """Appends an entry; it is on disk when this returns."""
        entry = Entry(kind, content)
        line = json.dumps({"kind": entry.kind, "time_ms": entry.time_ms, "content": entry.content})
        with self._lock:
            with self.folder.journal.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
            self._entries.append(entry)

    def pending(self) -> list[Entry]:
        """Entries that are not uploaded yet."""
        with self._lock:
            return self._entries[self.delivery.sent :]

    def delivered(self, delivery: Delivery) -> None:
        """Records the progress of the upload."""
        self.delivery = delivery
        partial = self._state.with_suffix(".partial")
        partial.write_text(json.dumps(vars(delivery)), encoding="utf-8")
        os.replace(partial, self._state)


def _read_entries(path: Path) -> list[Entry]:
    if not path.is_file():
        return []
    entries = []
    with path.open("r+", encoding="utf-8") as file:
        while line := file.readline():
            if not line.endswith("\n"):  # cut off when the run was killed
                file.seek(file.tell() - len(line.encode()))
                file.truncate()
                break
            fields = json.loads(line)
            entries.append(Entry(fields["kind"], fields["content"], fields["time_ms"]))
    return entries
