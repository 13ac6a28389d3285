"""Checks of the data sets and options of a command, and their messages."""

import logging
from pathlib import Path

from torch.utils.data import Dataset

from datamodules.dataset import FaceDataset
from datamodules.errors import InputError
from datamodules.types import FaceSample

_log = logging.getLogger(__name__)


def report_faults(root: Path, faults: list[str], usable: int, largest_fraction: float) -> None:
    """Logs all samples that are left out.

    Raises:
        InputError: If they are more than `largest_fraction` of all samples.
    """
    if not faults:
        return
    total = usable + len(faults)
    report = "\n".join([f"{root}: {len(faults)} of {total} samples cannot be used:", *(f"  {line}" for line in faults)])
    if len(faults) > largest_fraction * total:
        raise InputError(
            f"{report}\n{root}: {len(faults)} bad samples are more than {largest_fraction:.1%} of {total}. "
            "Repair or remove them, or raise --data.index.max_bad_fraction."
        )
    _log.warning("%s\nThey are left out.", report)


def warn_of_shared_faces(train_faces: Dataset[FaceSample] | None, test_faces: Dataset[FaceSample] | None) -> None:
    """Warns if photographs of the test set are in the training set."""
    if not isinstance(train_faces, FaceDataset) or not isinstance(test_faces, FaceDataset):
        return
    test = test_faces.photographs
    if shared := sorted(train_faces.photographs & test):
        _log.warning(
            "%d of the %d test photographs are in the training set too (%s, ...): the test figures do not measure "
            "how the network performs on new faces.",
            len(shared),
            len(test),
            shared[0],
        )


def required(path: Path | None, option: str, content: str) -> Path:
    """The path of an option that must be set.

    Raises:
        InputError: If it is not set.
    """
    if path is None:
        raise InputError(
            f"{option} is not set: give {content}. 300W-3D, 300W-LP and AFLW2000-3D are on the project page of 3DDFA, "
            "and the Basel Face Model comes from the University of Basel."
        )
    return path


def check_range(option: str, value: float, least: float, below: float | None = None) -> None:
    """Checks that a number is at least `least` and, if given, less than `below`.

    Raises:
        InputError: If it is not.
    """
    if below is None and value < least:
        raise InputError(f"{option} is {value:g}: give at least {least:g}.")
    if below is not None and not least <= value < below:
        raise InputError(f"{option} is {value:g}: give a number from {least:g} to below {below:g}.")
