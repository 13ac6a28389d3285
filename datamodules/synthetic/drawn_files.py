"""Which faces of a synthetic data set are whole on disk; those that are not can be drawn anew."""

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from tqdm import tqdm

from datamodules.errors import InputError
from datamodules.files.atomic_files import write_whole
from datamodules.files.bfm import read_coefficient_deviations, read_morphable_model
from datamodules.files.face_mat import read_face_mat
from datamodules.files.images import read_image
from datamodules.files.listed_names import is_hidden

_CHECKED = ".checked"  # holds the digest of the files as they were when all of them were whole


@dataclass(frozen=True)
class DrawnFiles:
    """The files of a data set.

    Attributes:
        folder: Its folder.
        names: Names of its faces, without endings.
        model_file: The file of its face model.
        image_size: Pixels per side of its photographs.
    """

    folder: Path
    names: Sequence[str]
    model_file: Path
    image_size: int

    def are_checked(self) -> bool:
        """Whether no file has changed since all of them were whole."""
        try:
            return (self.folder / _CHECKED).read_bytes() == self._digest()
        except OSError:
            return False

    def mark_checked(self) -> None:
        """Notes that all files are whole, where this can be noted."""
        with suppress(OSError):
            write_whole(self.folder / _CHECKED, self._digest())

    def lost(self) -> list[str]:
        """Names of the faces that lack a file, or whose files cannot be read; opens all files."""
        names = tqdm(self.names, desc=f"Checking {self.folder.name}", unit="face", leave=False, disable=None)
        return [name for name in names if not self._is_whole(name)]

    def has_model(self) -> bool:
        """Whether the face model can be read."""
        try:
            read_coefficient_deviations(self.model_file, read_morphable_model(self.model_file))
        except InputError:
            return False
        return True

    def image_path(self, name: str) -> Path:
        """The photograph of a face."""
        return self.folder / f"{name}.jpg"

    def mat_path(self, name: str) -> Path:
        """The coefficients of a face, whose file is written last."""
        return self.folder / f"{name}.mat"

    def _is_whole(self, name: str) -> bool:
        if not self.mat_path(name).is_file():  # not drawn yet
            return False
        try:
            read_face_mat(self.mat_path(name))
            return read_image(self.image_path(name)).shape[:2] == (self.image_size, self.image_size)
        except InputError:
            return False

    def _digest(self) -> bytes:
        """Of names, sizes and times of all files."""
        digest = blake2b(digest_size=16)
        for folder in (self.folder, self.model_file.parent):
            with os.scandir(folder) as entries:
                visible = sorted(
                    (entry for entry in entries if not is_hidden(entry.name)), key=lambda entry: entry.name
                )
            for entry in visible:
                if entry.is_file():
                    status = entry.stat()
                    digest.update(f"{entry.name} {status.st_size} {status.st_mtime_ns}\n".encode("utf-8", "replace"))
        return digest.hexdigest().encode()
