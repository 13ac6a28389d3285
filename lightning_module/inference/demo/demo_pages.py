"""What a demo keeps for each page that is open in a browser: its photograph and its newest results."""

import secrets
import shutil
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from datamodules.errors import InputError
from lightning_module.inference.demo.limits import Limits
from lightning_module.inference.face import Face

_UNCLAIMED_SECONDS = 600.0  # after which a file that no page has asked about goes


@dataclass(frozen=True)
class Choice:
    """What a person has chosen.

    Attributes:
        first: Value of the network in slot A, or None.
        second: Value of the network in slot B, or None.
        face: Number of the face in its photograph, from 0 on the left.
    """

    first: str | None
    second: str | None = None
    face: int = 0


@dataclass(frozen=True)
class Shown:
    """What a page shows.

    Attributes:
        preview: HTML of the photograph.
        results: HTML of the results.
        faces: Number of faces in the photograph.
        face: Number of the one that is shown, from 0.
    """

    preview: str = ""
    results: str = ""
    faces: int = 0
    face: int = 0


@dataclass
class OpenPage:
    """A page in a browser.

    Attributes:
        folder: Folder of its files.
        photo: Its photograph, named as the user's file, or None.
        results: Folders of its results, the newest last.
        faces: Faces of the photograph by network, in memory.
        last: The newest choice, and what it shows.
    """

    folder: Path
    photo: Path | None = None
    results: list[Path] = field(default_factory=list)
    faces: dict[str, list[Face]] = field(default_factory=dict)
    last: tuple[Choice, Shown] | None = None

    def take(self, sent: Path) -> None:
        """Replaces the photograph by a file that was sent.

        The results of the former one stay until `forget`, since they are shown until there are new ones.

        Raises:
            InputError: If the file is no longer there.
        """
        if self.photo is not None:
            self.photo.unlink(missing_ok=True)
        self.photo, self.faces, self.last = None, {}, None
        self.folder.mkdir(parents=True, exist_ok=True)
        photo = self.folder / sent.name
        try:
            shutil.move(sent, photo)
        except OSError as error:
            raise InputError(f"{sent.name}: is no longer there ({error.strerror or error}). Drop it again.") from error
        self.photo = photo

    def clear(self) -> None:
        """Removes the photograph and the results."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.photo, self.results, self.faces, self.last = None, [], {}, None

    def new_results(self) -> Path:
        """A new folder for results, whose name cannot be guessed; all but the newest of the former ones are removed.

        The browser may still be fetching the pictures of that one.
        """
        self.forget(self.results[:-1])
        made = self.folder / f"results-{secrets.token_hex(8)}"
        made.mkdir(parents=True)
        self.results.append(made)
        return made

    def forget(self, results: list[Path]) -> None:
        """Removes folders of results."""
        for folder in results:
            shutil.rmtree(folder, ignore_errors=True)
        self.results = [folder for folder in self.results if folder not in results]


class DemoPages:
    """The open pages of a demo.

    Args:
        folder: Folder of their files.
        limits: How many are kept, and how many files may wait for one.
    """

    def __init__(self, folder: Path, limits: Limits) -> None:
        self.uploads = folder / "uploads"
        self.kept = folder / "pages"
        self.uploads.mkdir(exist_ok=True)
        self.kept.mkdir(exist_ok=True)
        self._limits = limits
        self._open: OrderedDict[str, OpenPage] = OrderedDict()
        self._lock = Lock()

    def page(self, session: str) -> OpenPage:
        """The page of a session; where there are too many, the one that was used least recently is cleared."""
        with self._lock:
            if session not in self._open:
                self._open[session] = OpenPage(self.kept / secrets.token_hex(8))
            self._open.move_to_end(session)
            while len(self._open) > self._limits.pages:
                self._open.popitem(last=False)[1].clear()
            return self._open[session]

    def close(self, session: str) -> None:
        """Removes what is kept for a page."""
        with self._lock:
            page = self._open.pop(session, None)
        if page is not None:
            page.clear()

    def sent(self, path: str) -> Path:
        """A file among those that were sent.

        Raises:
            InputError: If the path is not that of one.
        """
        file = Path(path)
        if not file.is_relative_to(self.uploads) or file.is_symlink() or not file.is_file() or ".." in file.parts:
            raise InputError("the photograph is no longer there. Drop it again.")
        return file

    def has_room(self) -> bool:
        """Whether another file may be sent. Files that no page has asked about for a while are removed first."""
        files = [path for path in self.uploads.rglob("*") if path.is_file()]
        left = 0
        for path in files:
            if time.time() - path.stat().st_mtime > _UNCLAIMED_SECONDS:
                path.unlink(missing_ok=True)
            else:
                left += 1
        return left < self._limits.uploads
