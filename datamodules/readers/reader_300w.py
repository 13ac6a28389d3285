"""Reads 300W-3D, 300W-LP and AFLW2000-3D: <stem>.jpg with <stem>.mat."""

from dataclasses import dataclass
from pathlib import Path

from datamodules.files.data_set_top import IMAGE, PARAMETERS
from datamodules.files.face_folders import FolderLayout, sample_file, scan
from datamodules.files.face_mat import read_face_mat
from datamodules.readers.sample_reader import SampleList
from datamodules.types import FaceParameters


@dataclass(frozen=True)
class Reader300W:
    """Reads 300W-3D, 300W-LP or AFLW2000-3D.

    Args:
        folder_layout: The data set whose layout the folder has; "auto" recognises them.
    """

    folder_layout: FolderLayout = "auto"

    def list_samples(self, root: Path) -> SampleList:
        """The samples that have both files."""
        folders = scan(root, self.folder_layout)
        has_views = folders.layout == "300w-lp"
        return SampleList(folders.keys, folders.photographs, folders.fingerprint, folders.faults, has_views)

    def image_path(self, root: Path, key: str) -> Path:
        """The photograph."""
        return sample_file(root, key, IMAGE)

    def read(self, root: Path, key: str) -> FaceParameters:
        """199 identity and 29 expression coefficients, pose and landmarks of the .mat file."""
        return read_face_mat(sample_file(root, key, PARAMETERS))
