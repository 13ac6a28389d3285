"""Name and kind of a data set: its `dataset.yaml`, or else its folder's name."""

import re
from dataclasses import asdict, dataclass
from pathlib import Path

import yaml

from datamodules.errors import InputError

CARD = "dataset.yaml"


@dataclass(frozen=True)
class DatasetCard:
    """Name and kind of a data set, printed beside every figure.

    Attributes:
        name: "AFLW2000-3D", say.
        kind: "photographs", "synthetic", ...; empty where the data set does not say.
        fingerprint: Of whatever made it; empty for photographs.
        morphable_model: The model file that its coefficients refer to, below its folder; empty where it has none.
    """

    name: str
    kind: str = ""
    fingerprint: str = ""
    morphable_model: str = ""

    @property
    def slug(self) -> str:
        """The name in small letters, digits and hyphens: what metrics of it are called."""
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-") or "faces"

    def __str__(self) -> str:
        return f"{self.name} ({self.kind})" if self.kind else self.name


def read_card(root: Path) -> DatasetCard:
    """The card of a data set.

    Raises:
        InputError: If there is a card that cannot be read.
    """
    path = root / CARD
    if not path.is_file():
        return DatasetCard(root.resolve().name)
    try:
        return DatasetCard(**{str(key): str(value) for key, value in yaml.safe_load(path.read_text()).items()})
    except (OSError, UnicodeDecodeError, yaml.YAMLError, TypeError, AttributeError) as error:
        fields = ", ".join(DatasetCard.__dataclass_fields__)
        raise InputError(
            f"{path}: is no data set card ({error}). It holds {fields}, one a line.".replace("\n", " ")
        ) from error


def write_card(root: Path, card: DatasetCard) -> None:
    """Writes a card that `read_card` reads back."""
    (root / CARD).write_text(yaml.safe_dump(asdict(card), sort_keys=False))
