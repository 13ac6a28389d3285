"""The tracking store and the MLflow run of a run's folder that was moved or copied.

A folder of tracking that is moved or copied as a whole follows its own database. A run that is copied beside its original
is another run in MLflow.
"""

import os
import secrets
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from datamodules.addresses import sqlite_address, sqlite_file, without_credentials
from lightning_module.project import PROJECT
from lightning_module.tracking.delivery import Delivery
from lightning_module.tracking.journal import Journal
from lightning_module.tracking.run_folder import RunFolder

DATABASE = "mlflow.db"  # in the folder of tracking, unless another store is chosen
RUNS = "runs"  # the folder that holds all run folders


def store_of(journal: Journal) -> str | None:
    """Address of the store that a run was created in, where that lies today; None if nothing names it."""
    recorded = journal.delivery.uri
    if recorded is None:
        return None
    recorded = without_credentials(recorded)  # which earlier versions wrote down
    file, here = sqlite_file(recorded), _tracking_folder(journal.folder.path.absolute())
    if file is None:
        return recorded
    if journal.last_folder is None:  # written by an earlier version
        moved = here / DATABASE
        is_moved = file.name == DATABASE and file != moved and (not file.exists() or _holds(moved, journal.delivery))
        return sqlite_address(moved) if is_moved else recorded
    before = _tracking_folder(journal.last_folder)
    return sqlite_address(here / file.relative_to(before)) if file.is_relative_to(before) else recorded


def original_of(journal: Journal) -> Path | None:
    """The folder that the run's folder was copied from, if its copy would go on in the original's MLflow run."""
    before, here = journal.last_folder, journal.folder.path
    if before is None or not os.path.isfile(RunFolder(before).journal):
        return None
    if os.path.samefile(before, here) or _first_line(before) != _first_line(here):
        return None
    return before if store_of(journal) == without_credentials(journal.delivery.uri or "") else None


def followed(tracking: Mapping[str, Any], run: RunFolder) -> dict[str, Any]:
    """Options `tracking:` of a run's configuration, in which its folder of tracking and the files in it lie where they are.

    Args:
        tracking: The options as the run wrote them.
        run: The run's folder, as it is found today.
    """
    here = run.path.absolute()
    home, default = _tracking_folder(here), PROJECT / "mlruns"
    before = Path(tracking["folder"]) if tracking.get("folder") else default
    if here.parent.name != RUNS or home == before:
        return dict(tracking)
    file = sqlite_file(tracking.get("uri") or "")
    is_inside = file is not None and file.is_relative_to(before)
    uri = {"uri": sqlite_address(home / file.relative_to(before))} if is_inside and file is not None else {}
    return {**tracking, "folder": str(home), **uri}


def anew(uri: str, is_copy: bool) -> Delivery:
    """The progress of a journal that is uploaded to a new MLflow run.

    Args:
        uri: Address of the store.
        is_copy: Whether the store holds another run of the same key, that of the original.
    """
    return Delivery(uri=without_credentials(uri), copy=secrets.token_hex(4) if is_copy else None)


def in_store(journal: Journal, uri: str) -> Delivery:
    """The progress of a journal in a store at its present address."""
    return replace(journal.delivery, uri=without_credentials(uri))


def _tracking_folder(run: Path) -> Path:
    """mlruns/ of the folder mlruns/runs/<key>/."""
    return run.parent.parent


def _first_line(folder: Path) -> bytes:
    with RunFolder(folder).journal.open("rb") as file:
        return file.readline()


def _holds(database: Path, delivery: Delivery) -> bool:
    """Whether a database holds the run."""
    if not database.is_file() or delivery.run_id is None:
        return False
    try:
        with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            found = connection.execute("SELECT 1 FROM runs WHERE run_uuid = ?", (delivery.run_id,)).fetchone()
    except sqlite3.Error:
        return False
    return found is not None
