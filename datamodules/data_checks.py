"""What is missing or wrong with the data that a command is given, in words."""

import logging
from pathlib import Path

from torch.utils.data import Dataset

from datamodules.dataset import FaceDataset
from datamodules.errors import InputError
from datamodules.files.face_folders import photograph
from datamodules.types import FaceSample

_log = logging.getLogger(__name__)


def report_faults(root: Path, faults: list[str], usable: int, most: float) -> None:
    """Names all that is left out; stops where it is too much."""
    if not faults:
        return
    total = usable + len(faults)
    report = "\n".join([f"{root}: {len(faults)} of {total} samples cannot be used:", *(f"  {line}" for line in faults)])
    if len(faults) > most * total:
        raise InputError(
            f"{report}\n{root}: {len(faults)} bad samples are more than {most:.1%} of {total}. "
            "Repair or remove them, or raise --data.max_bad_fraction."
        )
    _log.warning("%s\nThey are left out.", report)


def warn_of_shared_faces(train_faces: Dataset[FaceSample] | None, test_faces: FaceDataset | None) -> None:
    """Says so where the test set is trained on."""
    if not isinstance(train_faces, FaceDataset) or test_faces is None:
        return
    train, test = (_photographs(faces) for faces in (train_faces, test_faces))
    if shared := sorted(train & test):
        _log.warning(
            "%d of the test set's %d faces are trained on too (%s, ...): the test figures do not tell how "
            "the network does on new faces.",
            len(shared),
            len(test),
            shared[0],
        )


def _photographs(faces: FaceDataset) -> set[str]:
    index = faces.index
    return {photograph(index.key(row), index.layout).rpartition("/")[2] for row in faces.rows}


def given(path: Path | None, option: str, what: str) -> Path:
    """The path, or the error that it was not set."""
    if path is None:
        raise InputError(
            f"{option} is not set: give {what}. 300W-3D, 300W-LP and AFLW2000-3D are handed out by their authors "
            "(3DDFA's project page), the Basel Face Model by the University of Basel."
        )
    return path
