"""Folders in which one case after the other finds the same files under the same paths.

Runs and caches hold absolute paths, so each folder has specimens of its own, which are put back before a case.
"""

import os
import re
import shutil
import sys
import tempfile
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from benchmarks.faults.forked_job import Note

_GIVEN, _KEPT = "given", "kept"
_OWN = ("home", "cwd")  # where a command has nothing to write
_MAT_HEADER_BYTES = 116  # text with the time of writing
_LIST = "data_checks.py report_faults"  # which names all faulty samples of a data set, one in each line
_RUN = re.compile(rb"\d{8}-\d{6}-[\w.-]+-[0-9a-f]{4}")  # name of a run's folder
_COMPILED = "NUMBA_CACHE_DIR"  # is set for the whole campaign: compiled functions belong to no command


@dataclass(frozen=True)
class Slot:
    """A folder for one case at a time.

    Attributes:
        path: Its folder; those of all slots have names of one length.
    """

    path: Path

    @property
    def given(self) -> Path:
        """The folder that a command's options name."""
        return self.path / _GIVEN

    @property
    def out(self) -> Path:
        """Where a command writes its results."""
        return self.given / "out"

    def keep(self) -> None:
        """Remembers what is in the given folder, to be put back by `restore`."""
        shutil.rmtree(self.path / _KEPT, ignore_errors=True)
        shutil.copytree(self.given, self.path / _KEPT)

    def restore(self) -> None:
        """Puts the remembered files back, with their times, which indices of data sets depend on, and removes all others."""
        for name in (_GIVEN, *_OWN, "tmp"):
            shutil.rmtree(self.path / name, ignore_errors=True)
        for name in (*_OWN, "tmp"):
            (self.path / name).mkdir(parents=True)
        if (self.path / _KEPT).is_dir():
            shutil.copytree(self.path / _KEPT, self.given)
        else:
            self.given.mkdir()

    def clear(self) -> None:
        """Removes everything, also what is remembered."""
        shutil.rmtree(self.path, ignore_errors=True)
        self.restore()

    def enter(self) -> None:
        """Makes this process live in the folder: its home, its working directory and its temporary files."""
        os.environ.pop("MLFLOW_TRACKING_URI", None)
        temporary = str(self.path / "tmp")
        # Matplotlib's cache of fonts belongs to nobody's command; programs that a command starts would write it
        os.environ |= {"HOME": str(self.path / "home"), "TMPDIR": temporary, "MPLCONFIGDIR": temporary}
        os.environ["XDG_CACHE_HOME"] = temporary  # else each command looks whether the home folder can hold a cache
        tempfile.tempdir = temporary  # rather than whichever of several folders can be written
        os.chdir(self.path / "cwd")

    @property
    def allowed(self) -> list[Path]:
        """The folders that a command may write to."""
        compiled = [Path(os.environ[_COMPILED])] if _COMPILED in os.environ else []
        return [self.given, self.path / "tmp", *compiled]

    def strays(self) -> list[str]:
        """Files and empty folders that lie where a command has nothing to write."""
        found = (path for name in _OWN for path in sorted((self.path / name).rglob("*")))
        return [str(path) for path in found if path.is_file() or not any(path.iterdir())]

    def digests(self, folder: Path) -> dict[str, str]:
        """The digest of each file in a folder by its name, independent of slot and time; none if there is no folder.

        Hidden files hold sizes and times of others, and runs have names with the time.
        """
        files = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.startswith(".")]
        place, neutral = str(self.path).encode(), b"@" * len(str(self.path))
        return {
            path.relative_to(folder).as_posix(): blake2b(
                _RUN.sub(b"RUN", _content(path).replace(place, neutral))
            ).hexdigest()[:16]
            for path in files
        }


def _content(path: Path) -> bytes:
    """What a file holds, without the time in the header of a MATLAB file."""
    data = path.read_bytes()
    return data[_MAT_HEADER_BYTES:] if path.suffix == ".mat" else data


def _raised_at(error: BaseException) -> str:
    """File and function that raised an error."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{Path(frame.filename).name} {frame.name}"


def run_command(arguments: Sequence[str], note: Note) -> int:
    """Runs a command as the command line does, and notes errors that break its rules.

    Args:
        arguments: The command and its options.
        note: Takes "lines" with an InputError of more than one line.

    Returns:
        The exit status.
    """
    import run
    from datamodules.errors import InputError, reason

    main = run.main

    def noted(args: Sequence[str] | None = None) -> object:
        try:
            return main(args)
        except InputError as error:
            if "\n" in reason(error) and _raised_at(error) != _LIST:
                note("lines", f"{_raised_at(error)} <- {reason(error)}")
            raise

    run.main = noted
    sys.argv = ["run.py", *arguments]
    try:
        return run._main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0 if end.code is None else 1
