"""How far a journal was uploaded, as the file delivery.json keeps it."""

import json
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

from datamodules.files.atomic_files import write_whole


@dataclass(frozen=True)
class Delivery:
    """Progress of the upload. Entries have the numbers of their lines in the journal, counted from 0.

    Attributes:
        sent: Number of leading entries that are done with: uploaded, waiting or refused.
        run_id: MLflow's id of the run, once it has one.
        uri: The tracking store that the run was created in, without user and password.
        waiting: Numbers of artifacts among them that the artifact store did not take yet.
        refused: Numbers of entries that MLflow will never take as they are.
        copy: What tells the run of a copied folder in MLflow from that of the original; None for an original.
    """

    sent: int = 0
    run_id: str | None = None
    uri: str | None = None
    waiting: tuple[int, ...] = ()
    refused: tuple[int, ...] = ()
    copy: str | None = None

    def within(self, entries: int) -> "Delivery":
        """The same for a journal of `entries` lines, which may have lost its end with the power."""
        waiting = tuple(number for number in self.waiting if number < entries)
        refused = tuple(number for number in self.refused if number < entries)
        return Delivery(min(self.sent, entries), self.run_id, self.uri, waiting, refused, self.copy)


def read_delivery(path: Path) -> tuple[Delivery, Path | None]:
    """The progress, and the folder of the run when it was written.

    A file that is missing, empty or damaged is no progress: what is uploaded twice is in MLflow once.
    """
    try:
        state: dict[str, Any] = dict(json.loads(path.read_text(encoding="utf-8")))
        if state.pop("digest", None) not in (None, _digest(state)):  # earlier versions wrote none
            return Delivery(), None
        sent = int(state.get("sent", 0))
        waiting, refused = (tuple(map(int, state.get(name, ()))) for name in ("waiting", "refused"))
    except (OSError, ValueError, TypeError):
        return Delivery(), None
    run_id, uri, copy, folder = (
        value if isinstance(value := state.get(name), str) else None for name in ("run_id", "uri", "copy", "folder")
    )
    if sent < 0:
        return Delivery(), None
    return Delivery(sent, run_id, uri, waiting, refused, copy), Path(folder) if folder else None


def write_delivery(path: Path, delivery: Delivery, folder: Path) -> None:
    """Replaces the file, when the disk has its content.

    Raises:
        OSError: If it cannot be written.
    """
    state = {**asdict(delivery), "folder": str(folder)}
    write_whole(path, json.dumps({**state, "digest": _digest(state)}))


def _digest(state: dict[str, Any]) -> str:
    """A changed letter of an address would name another store."""
    return blake2b(json.dumps(state, sort_keys=True).encode(), digest_size=8).hexdigest()
