"""Name and kind of a data set: its `dataset.yaml`, or else its folder's name."""

import re
from dataclasses import asdict, dataclass
from pathlib import Path

import yaml

from datamodules.errors import InputError
from datamodules.files.atomic_files import write_whole

CARD = "dataset.yaml"


@dataclass(frozen=True)
class DatasetCard:
    """Name and kind of a data set, which every figure is printed with.

    Attributes:
        name: Such as "AFLW2000-3D".
        kind: "photographs", "synthetic", ...; empty if unknown.
        fingerprint: Fingerprint of the settings that it was generated with; empty for photographs.
        morphable_model: Path of the model file that its coefficients refer to, below its folder; empty if it has none.
    """

    name: str
    kind: str = ""
    fingerprint: str = ""
    morphable_model: str = ""

    @property
    def slug(self) -> str:
        """The name in metrics: lower-case letters, digits and hyphens."""
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-") or "faces"

    def __str__(self) -> str:
        return f"{self.name} ({self.kind})" if self.kind else self.name


def read_card(root: Path) -> DatasetCard:
    """The card of a data set.

    Raises:
        InputError: If the card exists and cannot be read.
    """
    path = root / CARD
    if not path.is_file():
        return DatasetCard(root.resolve().name.removesuffix(".zip"))
    try:
        return DatasetCard(
            **{str(key): str(value) for key, value in yaml.safe_load(path.read_text(encoding="utf-8")).items()}
        )
    # a damaged file can fail in many ways inside yaml
    except Exception as error:
        fields = ", ".join(DatasetCard.__dataclass_fields__)
        raise InputError(
            f"{path}: is no data set card ({error}). A card has the lines {fields}.".replace("\n", " ")
        ) from error


def write_card(root: Path, card: DatasetCard) -> None:
    """Writes a card that `read_card` reads back."""
    write_whole(root / CARD, yaml.safe_dump(asdict(card), sort_keys=False))
