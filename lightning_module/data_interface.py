"""The interface of the data module that commands, callbacks and the network use."""

from pathlib import Path
from typing import Any, Protocol, cast

from pytorch_lightning import Trainer

from datamodules.geometry.uv_layout import UVLayout


class DatasetDescription(Protocol):
    """The name of a data set, as `str()`, and its name in metrics and files."""

    @property
    def slug(self) -> str:
        """Name in metrics and file names: lower case, words joined by hyphens."""
        ...


class FaceData(Protocol):
    """The properties and methods of a data module that this package uses."""

    @property
    def uv_layout(self) -> UVLayout:
        """The layout of UV space that the data's position maps use."""
        ...

    @property
    def val_fraction(self) -> float:
        """Fraction of the faces that are used for validation."""
        ...

    @property
    def test_root(self) -> Path | None:
        """Folder of the test set, or None."""
        ...

    @property
    def rendered_faces(self) -> str:
        """How many training faces are rendered at other poses, in words."""
        ...

    def check(self, stage: str) -> None:
        """Raises InputError if an option that the stage needs is missing or names nothing."""
        ...

    def prepare_data(self) -> None:
        """Reads or builds the index of each data set; raises InputError if a data set cannot be used."""
        ...

    def card(self, stage: str) -> DatasetDescription:
        """The data set of a stage: "fit", "validate", "val" or "test"."""
        ...

    def fingerprints(self) -> dict[str, str]:
        """Fingerprints of the data and of the face model, by name."""
        ...


def face_data(trainer: Trainer) -> FaceData:
    """The data module of a trainer."""
    return cast(FaceData, cast(Any, trainer).datamodule)
