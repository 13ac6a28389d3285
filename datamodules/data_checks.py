"""Checks of the data that a command is given, and what they say."""

import logging
from pathlib import Path

from torch.utils.data import Dataset

from datamodules.dataset import FaceDataset
from datamodules.errors import InputError
from datamodules.types import FaceSample

_log = logging.getLogger(__name__)


def report_faults(root: Path, faults: list[str], usable: int, largest_fraction: float) -> None:
    """Names all samples that are left out; raises InputError where they are more than a fraction of all."""
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
    """Warns where photographs of the test set are trained on."""
    if not isinstance(train_faces, FaceDataset) or not isinstance(test_faces, FaceDataset):
        return
    test = test_faces.photographs
    if shared := sorted(train_faces.photographs & test):
        _log.warning(
            "%d of the test set's %d faces are trained on too (%s, ...): the test figures do not tell how "
            "the network does on new faces.",
            len(shared),
            len(test),
            shared[0],
        )


def required(path: Path | None, option: str, content: str) -> Path:
    """The path that an option gives.

    Raises:
        InputError: If it gives none.
    """
    if path is None:
        raise InputError(
            f"{option} is not set: give {content}. 300W-3D, 300W-LP and AFLW2000-3D can be had from their authors "
            "(3DDFA's project page), the Basel Face Model from the University of Basel."
        )
    return path


def check_range(option: str, value: float, least: float, below: float | None = None) -> None:
    """Refuses a number below a least one, or not below another.

    Raises:
        InputError: Naming the option.
    """
    if below is None and value < least:
        raise InputError(f"{option} is {value:g}: give at least {least:g}.")
    if below is not None and not least <= value < below:
        raise InputError(f"{option} is {value:g}: give a number from {least:g} to below {below:g}.")
