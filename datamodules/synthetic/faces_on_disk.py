"""Writes synthetic faces in the layout of 300W-LP, with a model file in the layout of the Basel Face Model."""

import logging
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from hashlib import blake2b
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from datamodules.errors import InputError, cannot_write
from datamodules.files.atomic_files import flush_folder, put_in_place, whole_file
from datamodules.files.bfm import UV_FILE, write_morphable_model
from datamodules.files.dataset_card import CARD, DatasetCard, read_card, write_card
from datamodules.files.face_mat import write_face_mat
from datamodules.files.file_locks import locked
from datamodules.files.images import write_jpeg
from datamodules.files.listed_names import is_empty
from datamodules.synthetic.drawn_files import DrawnFiles
from datamodules.synthetic.head_model import synthetic_model
from datamodules.synthetic.head_poses import TILT_DEG, VIEWS
from datamodules.synthetic.population import Population
from datamodules.synthetic.variety import NO_VARIETY, VARIETY_VERSION, Variety
from datamodules.types import FaceParameters

_log = logging.getLogger(__name__)

VERSION = 2  # to be raised by any change of pixels or coefficients, so that older data sets are made again
MODEL_FILE = Path("model") / "BFM.mat"
NAME = "faces by formula"
_CHUNK = 4  # persons per task of a process


@dataclass(frozen=True)
class SyntheticSettings:
    """The settings of a data set of synthetic faces, which determine it completely.

    Attributes:
        samples: Number of faces.
        seed: Seed of all faces.
        image_size: Pixels per side of the photographs; the plain crop takes about 0.7 of it.
        first_person: Number of the first person; data sets with disjoint numbers have no person in common.
        tilt_deg: Standard deviations of pitch and roll.
        variety: What the faces vary in beyond the default.
    """

    samples: int
    seed: int = 0
    image_size: int = 256
    first_person: int = 0
    tilt_deg: tuple[float, float] = TILT_DEG
    variety: Variety = NO_VARIETY

    def __post_init__(self) -> None:
        if self.samples < 1:
            raise InputError(f"--samples is {self.samples}: give at least 1.")
        if not 32 <= self.image_size <= 4096:
            raise InputError(f"--image_size is {self.image_size}: give a number of pixels from 32 to 4096.")
        if self.seed < 0 or self.first_person < 0:
            raise InputError(f"--seed is {self.seed}, --first_person {self.first_person}: give numbers from 0.")
        if not all(0 <= deviation <= 30 for deviation in self.tilt_deg):
            raise InputError(f"--tilt_deg is {list(self.tilt_deg)}: give two numbers of degrees from 0 to 30.")

    @property
    def fingerprint(self) -> str:
        """16 hexadecimal digits of the settings and the version; options that are off leave it as it is."""
        plain = {name: value for name, value in asdict(self).items() if name != "variety"}
        identity = f"{VERSION} {sorted(plain.items())}"
        if changes := self.variety.changes():
            identity += f" {VARIETY_VERSION} {changes}"
        return blake2b(identity.encode(), digest_size=8).hexdigest()

    @property
    def card(self) -> DatasetCard:
        """The card of the data set."""
        return DatasetCard(NAME, "synthetic", self.fingerprint, MODEL_FILE.as_posix())


def make_data_set(settings: SyntheticSettings, root: Path, processes: int = 1) -> int:
    """Makes a data set, unless it exists.

    The files are written into a temporary folder, which is renamed when it is complete and on the disk. After an
    interruption, the same call continues. Faces of an existing data set whose files are gone or damaged are drawn anew.

    Args:
        settings: The faces.
        root: Folder of the data set.
        processes: Number of processes that draw; it does not change the files.

    Returns:
        Number of faces drawn.

    Raises:
        InputError: If the folder holds something else, or cannot be written.
    """
    unfinished = root.with_name(f".{root.name}-{settings.fingerprint}")
    try:
        if _is_made(settings, root) and _is_complete(settings, root):  # also where nothing can be written
            return 0
        root.parent.mkdir(parents=True, exist_ok=True)
        with locked(root.with_name(f".{root.name}.lock")):
            if _is_made(settings, root):
                return 0 if _is_complete(settings, root) else _complete(settings, root, processes, is_mended=True)
            unfinished.mkdir(exist_ok=True)
            drawn = _complete(settings, unfinished, processes)
            if root.is_dir():
                shutil.rmtree(root)  # empty
            put_in_place(unfinished, root)
    except OSError as error:
        raise cannot_write(root, error, "--out or --data.index.cache_dir") from error
    return drawn


def _is_made(settings: SyntheticSettings, root: Path) -> bool:
    """Whether a folder holds these faces, or some of them; raises InputError if it holds something else."""
    if not root.exists():
        return False
    if not root.is_dir():
        raise InputError(f"{root}: is a file. Give a folder that is new or empty.")
    if root.name.endswith(settings.fingerprint):  # in the cache, where even the card may be lost
        return not is_empty(root)
    if (root / CARD).is_file() and read_card(root).fingerprint == settings.fingerprint:
        return True
    if not is_empty(root):
        raise InputError(
            f"{root}: holds something else than these faces, or faces of another version. Give a folder that is new "
            "or empty."
        )
    return False


def _is_complete(settings: SyntheticSettings, root: Path) -> bool:
    """Whether all files are whole. Their content is read only if they have changed since it was read last."""
    files = _files(settings, root)
    if not _has_card(settings, root):
        return False
    if files.are_checked():
        return True
    if files.lost() or not files.has_model():
        return False
    files.mark_checked()
    return True


def _complete(settings: SyntheticSettings, folder: Path, processes: int, is_mended: bool = False) -> int:
    """Draws what a folder lacks, and waits until the disk has it; returns the number of faces drawn."""
    files = _files(settings, folder)
    lost = files.lost()
    if is_mended and lost:
        _log.warning(
            "%s: files of %d of its %d faces are missing or damaged. These faces are drawn anew.",
            folder,
            len(lost),
            len(files.names),
        )
    for name in lost:
        files.mat_path(name).unlink(missing_ok=True)
    drawn = _draw(settings, folder, processes)
    if not files.has_model():
        files.model_file.parent.mkdir(exist_ok=True)
        model = synthetic_model(settings.variety)
        with (
            whole_file(files.model_file) as model_file,
            whole_file(files.model_file.with_name(UV_FILE)) as uv_file,
        ):
            write_morphable_model(model.face, model_file, uv_file, model.identity_deviations)
    if not _has_card(settings, folder):
        write_card(folder, settings.card)
    flush_folder(folder)
    files.mark_checked()
    return drawn


def _has_card(settings: SyntheticSettings, folder: Path) -> bool:
    try:
        return (folder / CARD).is_file() and read_card(folder) == settings.card
    except InputError:
        return False


def _files(settings: SyntheticSettings, folder: Path) -> DrawnFiles:
    names = [_name(settings, number // VIEWS, number % VIEWS) for number in range(settings.samples)]
    return DrawnFiles(folder, names, folder / MODEL_FILE, settings.image_size)


def _name(settings: SyntheticSettings, person: int, view: int) -> str:
    return f"person{settings.first_person + person:06d}_{view}"


def _draw(settings: SyntheticSettings, folder: Path, processes: int) -> int:
    tasks = [(person, min(VIEWS, settings.samples - VIEWS * person)) for person in range(-(-settings.samples // VIEWS))]
    draw = partial(_draw_person, settings, folder)
    drawn = 0
    with tqdm(total=settings.samples, desc="Drawing faces", unit="face", leave=False, disable=None) as progress:
        for made, views in _mapped(draw, tasks, processes):
            drawn += made
            progress.update(views)
    return drawn


def _mapped(
    draw: Callable[[tuple[int, int]], tuple[int, int]], tasks: list[tuple[int, int]], processes: int
) -> Iterator[tuple[int, int]]:
    if processes <= 1 or len(tasks) <= _CHUNK:
        yield from map(draw, tasks)
        return
    # forked processes would wait for threads that exist in their parent only
    with ProcessPoolExecutor(processes, get_context("spawn"), _use_one_thread) as pool:
        try:
            yield from pool.map(draw, tasks, chunksize=_CHUNK)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _use_one_thread() -> None:
    """Limits a process to one thread: several processes with all threads each take twice as long."""
    cv2.setNumThreads(1)
    threadpool_limits(1)


def _draw_person(settings: SyntheticSettings, folder: Path, task: tuple[int, int]) -> tuple[int, int]:
    """Draws the missing views of a person; returns their number, and the number of all views."""
    person, views = task
    population = Population(settings.seed, settings.image_size, settings.tilt_deg, settings.variety)
    made = 0
    for view in range(views):
        stem = folder / _name(settings, person, view)
        if stem.with_suffix(".mat").is_file():  # written last
            continue
        face, image = population.photograph(settings.first_person + person, view)
        landmarks = face.landmarks_image_px().astype(np.float32)
        parameters = FaceParameters(face.identity, face.expression, face.pose, landmarks)
        with whole_file(stem.with_suffix(".jpg"), is_flushed=False) as path:
            write_jpeg(path, image)
        with whole_file(stem.with_suffix(".mat"), is_flushed=False) as path:
            write_face_mat(path, parameters, (settings.image_size, settings.image_size))
        made += 1
    return made, views
