"""The default data: synthetic faces in the cache, for commands without a data folder."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from datamodules.errors import InputError
from datamodules.face_model import FaceModelOptions
from datamodules.sample_maker import Placement, SampleMaker
from datamodules.synthetic.faces_on_disk import MODEL_FILE, SyntheticSettings, make_data_set
from datamodules.synthetic.head_poses import TILT_DEG
from datamodules.synthetic.population import Population
from datamodules.synthetic.stream import StreamedFaces
from datamodules.synthetic.variety import NO_VARIETY, Variety
from datamodules.types import FaceRecord

_SMALL_BYTES = 2**30
_FIRST_VALIDATION_PERSON = 300_000
_FIRST_TEST_PERSON = 500_000


@dataclass(frozen=True)
class SyntheticFaces:
    """The synthetic faces that are used without a data folder; the test set shares no person with the others.

    Args:
        samples: Number of faces to train and validate on; with `stream`, per epoch.
        test_samples: Number of faces to test on.
        image_size: Pixels per side of the photographs; the plain crop takes about 0.7 of it.
        tilt_deg: Standard deviations of pitch and roll; yaw is uniform over -90 to 90 degrees.
        seed: Seed of all faces. It is separate from the run's seed, so that runs with other seeds share their data.
        stream: Whether new faces are drawn for every epoch, instead of reading the same ones again.
        validation_samples: Number of faces to validate on with `stream`.
        labels: Labels to train on: "exact" coefficients and poses, or "fitted" ones, from fits of the face model to
            noisy landmarks as annotators place them. Photographs, validation and test are the same with both.
        variety: What all these faces vary in beyond the default.
    """

    samples: int = 5000
    test_samples: int = 600
    image_size: int = 160
    seed: int = 0
    stream: bool = False
    validation_samples: int = 600
    tilt_deg: tuple[float, float] = TILT_DEG
    labels: Literal["exact", "fitted"] = "exact"
    variety: Variety = NO_VARIETY

    def __post_init__(self) -> None:
        for name in ("samples", "test_samples", "validation_samples"):
            if getattr(self, name) < 1:
                raise InputError(f"--data.synthetic.{name} is {getattr(self, name)}: give at least 1.")

    @property
    def train_settings(self) -> SyntheticSettings:
        """The data set for training and validation."""
        if self.stream:
            return self._settings(self.validation_samples, _FIRST_VALIDATION_PERSON)
        return self._settings(self.samples, 0)

    @property
    def test_settings(self) -> SyntheticSettings:
        """The data set for testing."""
        return self._settings(self.test_samples, _FIRST_TEST_PERSON)

    def _settings(self, samples: int, first_person: int) -> SyntheticSettings:
        return SyntheticSettings(samples, self.seed, self.image_size, first_person, self.tilt_deg, self.variety)

    def streamed(self, placement: Placement[FaceRecord], maker: SampleMaker) -> StreamedFaces:
        """The streamed training faces."""
        population = Population(self.seed, self.image_size, self.tilt_deg, self.variety)
        return StreamedFaces(population, self.samples, placement, maker)


@dataclass(frozen=True)
class EmbeddedData:
    """The folders of the default data in the cache.

    Attributes:
        faces: The faces.
        cache: Folder of the cache.
    """

    faces: SyntheticFaces
    cache: Path

    @property
    def root(self) -> Path:
        """Folder of the training and validation faces."""
        return self._place(self.faces.train_settings)

    @property
    def test_root(self) -> Path:
        """Folder of the test faces."""
        return self._place(self.faces.test_settings)

    @property
    def face_model_file(self) -> Path:
        """The file of the face model of both folders."""
        return self.root / MODEL_FILE

    @property
    def face_model(self) -> FaceModelOptions:
        """The face model of both folders."""
        return FaceModelOptions(self.face_model_file)

    @property
    def is_small(self) -> bool:
        """Whether the decoded images take little room."""
        count, size = max(self.faces.samples, self.faces.test_samples), self.faces.image_size
        return not self.faces.stream and 3 * count * size**2 <= _SMALL_BYTES

    def make(self, processes: int) -> None:
        """Draws the faces that do not exist yet."""
        make_data_set(self.faces.train_settings, self.root, processes)
        make_data_set(self.faces.test_settings, self.test_root, processes)

    def _place(self, settings: SyntheticSettings) -> Path:
        return self.cache / f"synthetic-{settings.fingerprint}"
