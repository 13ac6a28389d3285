"""The folders of training and test data, each checked, indexed and opened once."""

from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from datamodules.data_checks import required
from datamodules.errors import InputError
from datamodules.face_model import FaceModelOptions
from datamodules.files.dataset_card import DatasetCard, read_card
from datamodules.files.file_content import is_folder
from datamodules.files.listed_names import check_text
from datamodules.fitted_labels import FittedLabels
from datamodules.geometry.regions import RegionTable
from datamodules.opened_dataset import OpenedDataset
from datamodules.readers.index_options import IndexOptions
from datamodules.readers.sample_reader import MapReader, SampleReader
from datamodules.replaced_landmarks import ReplacedLandmarks
from datamodules.targets import Targets, targets_of
from datamodules.test_set import FaceTestOptions

_TRAINING_FOLDER = "the folder of 300W-3D or 300W-LP"
_TEST_FOLDER = "the folder of AFLW2000-3D"


@dataclass(frozen=True, eq=False)
class DataFolders:
    """Training and test data of a command.

    Attributes:
        root: Folder to train and validate on.
        test: The test set.
        reader: Reads both.
        face_model: The face model of both.
        regions: The regions of the face.
        options: Options of the index.
        processes: Number of processes that read files.
        labels: Labels to train on in place of those of the training folder, or None.
    """

    root: Path | None
    test: FaceTestOptions
    reader: SampleReader | MapReader
    face_model: FaceModelOptions
    regions: RegionTable
    options: IndexOptions
    processes: int
    labels: FittedLabels | None = None
    _indices: dict[tuple[Path, ReplacedLandmarks | None], Any] = field(default_factory=dict)
    _opened: dict[tuple[Path, ReplacedLandmarks | None], OpenedDataset] = field(default_factory=dict)

    def check(self, stage: str) -> None:
        """Checks that all folders and files of a stage exist.

        Raises:
            InputError: If an option that the stage needs is not set, or names nothing.
        """
        roots = [] if stage == "test" else [(self.root, "--data.root", _TRAINING_FOLDER)]
        if stage == "test" or self.test.root is not None:
            roots.append((self.test.root, "--data.test.root", _TEST_FOLDER))
        for root, option, content in roots:
            if not is_folder(required(root, option, content)):
                raise InputError(f"{root}: there is no such folder. Set {option} to {content}.")
            check_text(required(root, option, content))
        self.targets.check()

    @cached_property
    def targets(self) -> Targets[Any]:
        """The kind of training target of these data sets."""
        root = self.root or self.test.root
        return targets_of(self.reader, root, self.face_model, self.regions, self.options, self.processes)

    @property
    def training_root(self) -> Path:
        """Folder to train and validate on; raises InputError where none is given."""
        return required(self.root, "--data.root", _TRAINING_FOLDER)

    @property
    def test_root(self) -> Path:
        """Folder to test on; raises InputError where none is given."""
        return required(self.test.root, "--data.test.root", _TEST_FOLDER)

    def build_indices(self) -> None:
        """Builds the indices that are not cached."""
        self.fingerprints(has_model=False)

    def fingerprints(self, has_model: bool = True) -> dict[str, str]:
        """Fingerprints of the face model and the data, by name: runs that share them saw the same numbers."""
        fingerprints = {"morphable_model": self.targets.fingerprint} if has_model else {}
        if self.root is not None:
            fingerprints["data"] = self._labelled.fingerprint
        if self.test.root is not None:
            fingerprints["test_data"] = self._index(self.test.root, self.test.replaced_landmarks).fingerprint
        return fingerprints

    def card(self, stage: str) -> DatasetCard:
        """Name and kind of the data set of a stage; of a fit, with its kind of labels."""
        if stage == "test":
            return self.test.card(self.test_root)
        card = read_card(self.training_root)
        return replace(card, name=f"{card.name}, fitted labels") if stage == "fit" and self.labels else card

    def training_data(self) -> OpenedDataset:
        """The usable faces of the training folder, as they are on disk."""
        return self._open(self.training_root)

    def labelled_data(self) -> OpenedDataset:
        """The usable faces of the training folder, with the labels to train on."""
        return self.training_data() if self.labels is None else self.targets.opened(self._labelled)

    def test_data(self) -> OpenedDataset:
        """The usable faces of the test folder."""
        return self._open(self.test_root, self.test.replaced_landmarks)

    @cached_property
    def _labelled(self) -> Any:
        """The index of the training folder, with the labels to train on."""
        index = self._index(self.training_root)
        return index if self.labels is None else self.labels.put_into(index)

    def _index(self, root: Path, landmarks: ReplacedLandmarks | None = None) -> Any:
        if (root, landmarks) not in self._indices:
            self._indices[root, landmarks] = self.targets.index(root, landmarks)
        return self._indices[root, landmarks]

    def _open(self, root: Path, landmarks: ReplacedLandmarks | None = None) -> OpenedDataset:
        if (root, landmarks) not in self._opened:
            self._opened[root, landmarks] = self.targets.opened(self._index(root, landmarks))
        return self._opened[root, landmarks]
