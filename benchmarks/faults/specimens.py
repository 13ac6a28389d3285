"""Small inputs of every kind that commands read: made once in each slot, then damaged case by case."""

import shutil
from pathlib import Path

from benchmarks.faults.forked_job import Job, Note
from benchmarks.faults.slots import Slot, run_command

FACES = 6
BOX = (15, 15, 95, 105)  # about a fake face, in pixels
PHOTO_ENDINGS = ("jpg", "png", "tif", "webp", "bmp")
_YAWS_DEG = (0.0, 25.0, -40.0, 55.0, -70.0, 85.0)
_SECONDS = 300.0  # most that the specimens may take


class Inputs:
    """Paths and options of the specimens of a slot.

    Args:
        given: The given folder of the slot.
    """

    def __init__(self, given: Path) -> None:
        self.given = given
        self.faces = given / "faces"
        self.model = given / "model" / "BFM.mat"
        self.cache = given / "cache"
        self.tracking = given / "tracking"
        self.photos = given / "photos"
        self.boxes = given / "boxes.csv"
        self.network = given / "network.onnx"
        self.empty_store = given / "empty.db"
        self.out = given / "out"

    @property
    def run(self) -> Path:
        """Folder of the one run."""
        (folder,) = (self.tracking / "runs").iterdir()
        return folder

    @property
    def data(self) -> list[str]:
        """Options of the faces, with their cache."""
        return [
            f"--data.root={self.faces}",
            f"--data.face_model.path={self.model}",
            f"--data.index.cache_dir={self.cache}",
        ]

    def fit(self, tracking: Path, *more: str) -> list[str]:
        """A fit of seconds that keeps its run below a folder."""
        from tests.runs import POSES, TINY

        where = [f"--tracking.folder={tracking}", f"--data.test.root={self.faces}"]
        return ["fit", *TINY, *POSES, *self.data, "--data.index.keeps_decoded=true", *where, *more]

    def new_tracking(self) -> Path:
        """A folder of tracking with an empty store, which takes MLflow seconds to make."""
        folder = self.given / "new_tracking"
        if not folder.is_dir():
            folder.mkdir()
            shutil.copy(self.empty_store, folder / "mlflow.db")
        return folder

    def prepare(self, *more: str) -> list[str]:
        """Writes position maps; the index is made anew, so that all files are read."""
        data = [f"--data.root={self.faces}", f"--data.face_model.path={self.model}"]
        cache = f"--data.index.cache_dir={self.given / 'new_cache'}"
        return ["prepare", *data, cache, "--data.num_workers=0", f"--out={self.out}", *more]

    def predict(self, photo: Path, network: Path, boxes: Path | None = None) -> list[str]:
        """Reconstructs the face of a photograph."""
        where = [f"--ckpt_path={network}", f"--boxes={boxes or self.boxes}", f"--out={self.out}"]
        return ["predict", str(photo), *where, "--texture_size=128", "--passes=1"]


def specimens_job(slot: Slot) -> Job:
    """Makes the specimens of a slot in a child."""

    def make(note: Note) -> int:
        slot.enter()
        inputs = Inputs(slot.given)
        _write_inputs(inputs)
        shutil.copy(inputs.empty_store, _made(inputs.tracking) / "mlflow.db")
        if code := run_command(inputs.fit(inputs.tracking, "--trainer.max_epochs=2"), note):
            return code
        best = f"--ckpt_path={inputs.run / 'best.ckpt'}"
        return run_command(["export", best, "--format=onnx", f"--out={inputs.network}"], note)

    return Job(make, limit_s=_SECONDS)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _write_inputs(inputs: Inputs) -> None:
    from mlflow.tracking import MlflowClient
    from PIL import Image

    from tests.fakes import write_faces, write_model

    write_model(inputs.model.parent)
    write_faces(inputs.faces, list(_YAWS_DEG))
    first = Image.open(inputs.faces / "image00000.jpg")
    for ending in PHOTO_ENDINGS:
        first.save(_made(inputs.photos) / f"photo.{ending}")
    box = ",".join(map(str, BOX))
    lines = ["photo,x1,y1,x2,y2", *(f"photo.{ending},{box}" for ending in PHOTO_ENDINGS)]
    inputs.boxes.write_text("\n".join(lines) + "\n", encoding="utf-8")
    MlflowClient(f"sqlite:///{inputs.empty_store}").search_experiments()
